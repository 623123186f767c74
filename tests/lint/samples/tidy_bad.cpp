// SPDX-License-Identifier: Apache-2.0
// Bad on purpose: tidy.py proves with it that it can fail. Never compiled.
int BadName(int* pointer) {
  if (pointer == 0) return 1;
  return *pointer;
}
