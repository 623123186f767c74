# SPDX-License-Identifier: Apache-2.0
"""docs/THREAT-MODEL.md, I9: processes that are in a container only in part, or in several. Which rules of disclosure
they fail, and that no handler inside hears of them then."""

import os
import pathlib
import signal
import subprocess
import unittest

from upcalltest import oci, paths
from upcalltest.case import SystemTest
from upcalltest.daemon import fields
from upcalltest.waiting import wait_readable

POLICY = """\
version: 1
runtimes: {{crun: ["{state}/crun"], runc: ["{state}/runc"], containerd: [], docker: [], podman: [], nspawn: []}}
containers: {{recorded: {{runtime: "*"}}}}
handlers:
  tell: {{run: [/bin/sh, -c, 'echo "$1" >/tmp/told', sh, "{{container_id}}"], in: container}}
rules:
  - {{name: inside, on: coredump, when: {{container: recorded}}, do: tell}}
defaults: {{coredump: reject}}
"""
CRASH = paths.VICTIMS / "crash"
POD = ("network", "ipc", "uts")


class Verdicts(SystemTest):
    def setUp(self):
        super().setUp()
        self.state = pathlib.Path(self.directory) / "state"
        for runtime in ("crun", "runc"):
            (self.state / runtime).mkdir(parents=True)
        self.daemon = self.start(POLICY.format(state=self.state))

    def make(self, runtime="crun", **options):
        return self.oci(runtime, state=self.state / runtime, **options)

    def decided(self):
        """What became of the one crash."""
        line = fields(self.daemon.wait_for('comm="crash"', "verdict="))
        line.update(fields(self.daemon.wait_for(f"event={line['event']} ", "outcome=")))
        return line

    def check_inside(self, container, *others):
        """It had the crash, is known and has handled it, and the others did not hear of it."""
        decided = self.decided()
        self.assertEqual((decided["verdict"], decided["outcome"]), ("in-container", "handled"), decided)
        self.assertEqual(decided["id"], container.name)
        self.assertEqual(container.path("/tmp/told").read_text(), f"{container.name}\n")
        self.check_unheard(*others)

    def check_mixed(self, *containers, failed):
        """Which rules must fail at least; others may, where a process is even more of a stranger."""
        decided = self.decided()
        self.assertEqual((decided["verdict"], decided["outcome"]), ("mixed", "rejected"), decided)
        self.assertLessEqual(failed, set(decided["failed"].split(",")))
        self.check_unheard(*containers)

    def check_host(self, *containers):
        decided = self.decided()
        self.assertEqual((decided["verdict"], decided["outcome"]), ("host", "rejected"), decided)
        self.check_unheard(*containers)

    def check_unheard(self, *containers):
        self.assertFalse([one.name for one in containers if one.path("/tmp/told").exists()])

    def run_on_host(self, *command):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=30, check=False)
        self.assertNotEqual(done.returncode, 0, f"{command} did not crash")

    def enter(self, container, *options):
        self.run_on_host("nsenter", f"--target={container.init}", *options)

    def test_process_of_the_container_is_inside(self):
        container = self.make()
        container.run("/bin/crash")
        self.check_inside(container)

    # S1
    def test_intruder_into_the_processes_alone_is_mixed(self):
        container = self.make()
        self.enter(container, "--pid", CRASH)
        self.check_mixed(container, failed={"D3", "D4", "D5"})

    def test_intruder_into_the_processes_alone_below_a_user_namespace_is_mixed(self):
        container = self.make(user_namespace=True, capabilities=oci.ALL)
        self.enter(container, "--pid", CRASH)
        self.check_mixed(container, failed={"D1", "D3"})

    # S2
    def test_intruder_with_the_users_of_the_host_is_mixed(self):
        container = self.make(user_namespace=True, capabilities=oci.ALL)
        self.enter(container, "--pid", "--mount", "/bin/crash")
        self.check_mixed(container, failed={"D1"})

    def test_intruder_into_all_namespaces_without_the_container_s_filters_is_mixed(self):
        container = self.make(user_namespace=True, capabilities=oci.ALL, seccomp=True, no_new_privs=True)
        self.enter(container, "--all", "/bin/crash")
        self.check_mixed(container, failed={"D5", "D7"})

    # S3
    def check_privileged_command(self, runtime):
        container = self.make(runtime)
        container.run("/bin/crash", capabilities=oci.ALL)
        self.check_mixed(container, failed={"D4"})

    def test_privileged_command_of_crun_s_is_mixed(self):
        self.check_privileged_command("crun")

    def test_privileged_command_of_runc_s_is_mixed(self):
        self.check_privileged_command("runc")

    def test_command_with_one_more_capability_is_mixed(self):
        container = self.make()
        container.run("/bin/crash", capabilities=[*oci.DOCKER, "CAP_SYS_ADMIN"])
        self.check_mixed(container, failed={"D4"})

    # S4
    def test_nested_container_is_its_outermost_one_s(self):
        container = self.make(user_namespace=True, capabilities=oci.ALL)
        container.run("/bin/unshare", "-U", "-r", "-p", "-f", "-m", "/bin/crash")
        self.check_inside(container)

    def test_nested_container_with_mounts_that_its_outermost_one_does_not_rule_is_mixed(self):
        container = self.make(capabilities=oci.ALL)
        container.run("/bin/unshare", "-p", "-f", "-m", "/bin/crash")
        self.check_mixed(container, failed={"D3"})

    # S5
    def test_sandbox_of_a_user_of_the_host_is_the_host_s(self):
        self.run_on_host("setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "unshare", "--user", "--map-root-user",
                         CRASH)
        self.check_host()

    # S6
    def check_in_processes_of_the_host(self, runtime="crun", **options):
        container = self.make(runtime, host_pid=True, **options)
        container.run("/bin/crash")
        self.check_inside(container)

    def test_container_of_crun_s_in_the_processes_of_the_host_is_inside_itself(self):
        self.check_in_processes_of_the_host()

    def test_container_of_runc_s_in_the_processes_of_the_host_is_inside_itself(self):
        self.check_in_processes_of_the_host("runc", seccomp=True, no_new_privs=True)

    def test_container_in_the_processes_of_the_host_below_a_user_namespace_is_inside_itself(self):
        self.check_in_processes_of_the_host(user_namespace=True, capabilities=oci.ALL)

    def test_container_in_the_processes_of_the_host_is_inside_itself_when_its_init_crashes(self):
        container = self.make(host_pid=True, init=["/bin/sh", "-c", "while ! [ -e /tmp/go ]; do sleep 0.1; done; exec crash"])
        container.shell("touch /tmp/go")
        decided = self.decided()
        self.assertEqual((decided["verdict"], decided["outcome"], decided["id"]), ("in-container", "handled", container.name))

    def test_container_in_the_processes_of_the_host_with_the_right_to_trace_them_is_mixed(self):
        container = self.make(host_pid=True, capabilities=[*oci.DOCKER, "CAP_SYS_PTRACE"])
        container.run("/bin/crash")
        self.check_mixed(container, failed={"D8"})

    def test_container_in_the_processes_of_the_host_without_a_record_is_the_host_s(self):
        container = self.oci("crun", host_pid=True)
        container.run("/bin/crash")
        self.check_host(container)

    def test_process_of_the_host_in_the_cgroup_of_a_container_there_is_mixed(self):
        container = self.make(host_pid=True)
        self.run_on_host("sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$1"', container.cgroup, CRASH)
        self.check_mixed(container, failed={"D3", "D4"})

    def test_process_of_the_host_beside_a_container_there_is_the_host_s(self):
        container = self.make(host_pid=True)
        self.run_on_host(CRASH)
        self.check_host(container)

    def test_privileged_command_in_the_processes_of_the_host_is_mixed(self):
        container = self.make(host_pid=True)
        container.run("/bin/crash", capabilities=oci.ALL)
        self.check_mixed(container, failed={"D4"})

    def test_nested_container_below_one_in_the_processes_of_the_host_is_that_one_s(self):
        container = self.make(host_pid=True, user_namespace=True, capabilities=oci.ALL)
        container.run("/bin/unshare", "-U", "-r", "-p", "-f", "-m", "/bin/crash")
        self.check_inside(container)

    def test_what_is_left_of_a_container_there_whose_init_has_ended_is_nobody_s(self):
        container = self.make(host_pid=True)
        left = container.start("/bin/sh", "-c", "echo started; read -r go; exec /bin/crash", stdin=subprocess.PIPE)
        self.assertEqual(left.process.stdout.readline(), b"started\n")
        self.assertIn(container.name, self.ctl("containers"))  # whose init is known from then on
        pidfd = os.pidfd_open(container.init)
        self.addCleanup(os.close, pidfd)
        os.kill(container.init, signal.SIGKILL)
        wait_readable(pidfd, 30, "end of the init")
        left.process.stdin.write(b"go\n")
        left.process.stdin.close()
        left.process.stdin = None
        self.daemon.wait_for("outcome=lost")
        left.wait()
        self.check_unheard(container)

    def test_member_of_a_pod_is_inside_itself(self):
        pause = self.make()
        member = self.make(shared=dict.fromkeys(POD, pause.init))
        member.run("/bin/crash")
        self.check_inside(member, pause)

    def pod_with_shared_processes(self):
        pause = self.make()
        return pause, self.make(shared=dict.fromkeys(("pid", *POD), pause.init))

    def test_owner_of_a_pod_s_processes_is_inside_itself(self):
        pause, member = self.pod_with_shared_processes()
        pause.run("/bin/crash")
        self.check_inside(pause, member)

    def check_member(self, runtime):
        pause = self.make(runtime)
        member = self.make(runtime, shared=dict.fromkeys(("pid", *POD), pause.init))
        member.run("/bin/crash")
        self.check_inside(member, pause)

    def test_member_of_a_pod_of_crun_s_with_shared_processes_is_inside_itself(self):
        self.check_member("crun")

    def test_member_of_a_pod_of_runc_s_with_shared_processes_is_inside_itself(self):
        self.check_member("runc")

    def test_intruder_into_a_pod_with_shared_processes_is_mixed(self):
        pause, member = self.pod_with_shared_processes()
        self.enter(member, "--pid", CRASH)
        self.check_mixed(pause, member, failed={"D3", "D4", "D5"})

    def test_member_of_a_pod_with_shared_processes_without_a_record_is_not_its_owner_s(self):
        pause = self.make()
        member = self.oci("crun", shared=dict.fromkeys(("pid", *POD), pause.init))
        member.run("/bin/crash")
        decided = self.decided()
        self.assertEqual((decided["verdict"], decided["outcome"]), ("mixed", "rejected"), decided)
        self.assertLessEqual({"D3", "D5"}, set(decided["failed"].split(",")))
        self.assertNotEqual(decided.get("id"), pause.name)
        self.check_unheard(pause, member)


if __name__ == "__main__":
    unittest.main()
