/* template_helpers.h - the helpers of templates: H(name, least arguments, most, hash arguments, doc). The functions are in
 * template_helper.c, helper_<name>. */
#ifndef BR_TEMPLATE_HELPERS_H
#define BR_TEMPLATE_HELPERS_H

#define TEMPLATE_HELPERS(H)                                                                                              \
  H(lookup, 2, 2, "", "lookup map key: the value under a computed key or index")                                         \
  H(truncate, 1, 2, "length suffix", "truncate text length=100 suffix=\"...\": at most length characters, then the suffix") \
  H(json, 1, 1, "pretty", "json value pretty=false: the value as JSON")                                                  \
  H(length, 1, 1, "", "length value: elements of a list or map, characters of a text, 0 for nil")                        \
  H(join, 1, 2, "separator", "join list separator=\", \": the elements as one text")                                    \
  H(first, 1, 1, "", "first list: its first element, or character of a text")                                            \
  H(last, 1, 1, "", "last list: its last element, or character of a text")                                               \
  H(default, 2, 2, "", "default value fallback: the fallback when the value is missing, nil or \"\"")

#endif
