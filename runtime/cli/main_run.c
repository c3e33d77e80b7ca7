/* main_run.c - the program breyta-run; see cli.h. */
#include "cli.h"
#include "runtime/base/hash.h"

int main(int argc, char **argv) {
  hash_stay();
  return cli_main(argc, argv);
}
