# SPDX-License-Identifier: Apache-2.0
"""Containers on record, by whose they are, that are told of uevents and write down what they were told."""

# `directory` has the runtimes' records; `kind` is of the namespace that is told, too.
POLICY = """\
version: 1
runtimes: {{crun: ["{directory}/crun"], runc: ["{directory}/runc"], containerd: [], docker: [], podman: []}}
containers:
  gold: {{labels: {{tenant: gold}}}}
  silver: {{labels: {{tenant: silver}}}}
  others: {{runtime: "*"}}
handlers:
  tell:
    run:
      - /bin/sh
      - -c
      - 'test ! -p /hold || read -r line </hold;
        echo "$1 $2 $3 $4 $(readlink /proc/self/ns/{kind}) $(id -u)" >>/tmp/told'
      - sh
      - "{{action}}"
      - "{{uevent_interface}}"
      - "{{container}}"
      - "{{container_id}}"
    in: container
    timeout: 60s
"""


class Tenants:
    """For a SystemTest."""

    def make(self, runtime, tenant, **options):
        return self.oci(runtime, state=f"{self.directory}/{runtime}", annotations={"tenant": tenant}, **options)

    @staticmethod
    def told(container):
        place = container.path("/tmp/told")
        return place.read_text().splitlines() if place.exists() else []
