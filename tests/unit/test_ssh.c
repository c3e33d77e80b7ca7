/* test_ssh.c - known_hosts, the boot line and the marks of ssh_shell.h. The client itself: tests/cli/ssh*.bats. */
#include "cmocka_all.h"
