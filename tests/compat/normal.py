"""What is not compared: identities (addresses, serial numbers of generated classes) and stack traces."""
import re

RULES = [(re.compile(a), b) for a, b in [
    (r"[\n\r]", " "),
    # exceptions as values: no trace, one line
    (r" :trace \[(?:\[[^\]]*\]|\s)*\]", ""),
    (r" *:at \[[^\]]*\]", ""),
    # numbered names
    (r"--inliner--\d+", ""),
    (r"\beval\d+", "eval"),
    (r"\b(fn|reify|eval)(__|--)\d+", r"\1"),
    (r"([A-Za-z*+!?>-])__\d+\b", r"\1__N"),
    (r"\b(G)__\d+", r"\1__N"),
    (r"\b(p\d+)__\d+#", r"\1__N#"),
    (r"([A-Za-z0-9*?!_-])__\d+__auto__", r"\1__N__auto__"),
    # objects: the class, and the state if there is one
    (r'#object\["?([^ "]+)"? 0x[0-9a-f]+ "[^"]*"\]', r"#object[\1]"),
    (r"#object\[([^ ]+) 0x[0-9a-f]+ ", r"#object[\1 "),
    (r"#object\[(?!java\.|clojure\.lang\.)[^ \]$]+\$[^ \]]*\]", "#function[fn]"),
    (r"#object\[clojure\.lang\.MultiFn\]", "#function[fn]"),
    (r"#object\[clojure\.lang\.AFunction[^ \]]*\]", "#function[fn]"),
    # classes of functions
    (r"\b(?!clojure\.lang)(?:clojure\.(?:core|string|set|walk|edn|math)|user|oracle)\$[\w$-]+(@[0-9a-f]+)?", "clojure.lang.AFunction"),
    (r"clojure\.lang\.AFunction\$\d+", "clojure.lang.AFunction"),
    (r"\bclojure\.lang\.(MultiFn|RestFn)\b", "clojure.lang.AFunction"),
    (r"loader clojure\.lang\.DynamicClassLoader @[0-9a-f]+", "loader 'app'"),
    (r"clojure\.lang\.AFunction and clojure\.lang\.AFunction are in", "FN"),
    # arity messages name the function only
    (r"(passed to: )(?:.*/)?([^/ ]+|/)$", r"\1\2"),
    (r"passed to: (?:fn|eval|fn__N)$", "passed to: fn"),
    (r"@[0-9a-f]{5,8}\b", "@H"),
]]


def exceptions(s):
    """`#error {...}` on one line with commas, as ours prints."""
    if "#error {" not in s: return s
    return re.sub(r",? +", " ", s).replace("[ {", "[{").replace("{ :", "{:").replace("[ [", "[[")


def normal(s):
    for a, b in RULES: s = a.sub(b, s)
    return exceptions(s)
