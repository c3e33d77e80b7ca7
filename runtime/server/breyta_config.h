/* breyta_config.h - --config FILE of serve, backup and doctor: a map from names of serve's options to values, JSON, or EDN when the name
 * ends in .edn. A text, a whole number, true (a flag), or a list of them for an option that may be given more than once. What is set
 * already stays: the command line comes first. */
#ifndef BR_BREYTA_CONFIG_H
#define BR_BREYTA_CONFIG_H
#include "breyta_options.h"
#include "runtime/base/port.h"
bool breyta_config(const char *path, BreytaOptions *o, Err *err); /* false: *err says which key, and what would work */
#endif
