/* main_breyta.c - the program breyta; see breyta_options.h. */
#include "breyta_options.h"
#include "runtime/base/hash.h"

int main(int argc, char **argv) {
  hash_stay();
  return breyta_main(argc, argv);
}
