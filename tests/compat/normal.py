"""What is not compared: identities (addresses, serial numbers of generated classes) and stack traces."""
import re
from decimal import Decimal

RULES = [(re.compile(a), b) for a, b in [
    (r"[\n\r]", " "),
    # exceptions as values: no trace, one line
    (r"\s:trace\s+\[(?:\[[^\]]*\]|\s)*\]", ""),
    (r" *:at \[[^\]]*\]", ""),
    (r'#object\[\\?"([^" \\]+)\\?"( \\?"[^"]*")?\]', r"#object[\1]"),
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
    (r"(not supported on this type: )\w+\$\w+", r"\1AFunction"),
    # arity messages name the function only
    (r"(passed to: )(?:.*/)?([^/ ]+|/)$", r"\1\2"),
    (r'(passed to: [^ "]+?)--\d+', r"\1"),
    (r"passed to: (?:fn|eval|fn__N|G)$", "passed to: fn"),
    (r"@[0-9a-f]{5,8}\b", "@H"),
]]


def exceptions(s):
    """`#error {...}` on one line with commas, as ours prints."""
    if "#error {" not in s: return s
    return re.sub(r",? +", " ", s).replace("] }", "]}").replace("[ {", "[{").replace("{ :", "{:").replace("[ [", "[[")


def normal(s):
    for a, b in RULES: s = a.sub(b, s)
    return exceptions(s)


# ---- relations between the two answers that known.txt may name: `when is NAME` ----
DOUBLE = re.compile(r"-?\d+\.\d+(?:E-?\d+)?")
SEQS = re.compile(r"clojure\.lang\.(?:ArraySeq|ChunkedCons|LongRange|Cons|LazySeq|PersistentList\$EmptyList|PersistentList|PersistentTreeMap\$Seq|PersistentArrayMap\$Seq|PersistentHashMap\$NodeSeq|"
                  r"APersistentMap\$(?:Seq|KeySeq|ValSeq)|PersistentVector\$ChunkedSeq|StringSeq|Range|Iterate|Repeat|Cycle|IteratorSeq|PersistentHashMap\$ArrayNode\$Seq|IndexedSeq|PersistentList\$EmptyList)")
NARROW = [(r"java\.lang\.(Integer|Short|Byte)\b", "java.lang.Long"), (r"clojure\.lang\.PersistentTreeMap\$(?:Red|Black)\w*", "clojure.lang.MapEntry"),
          (r"clojure\.lang\.APersistentVector\$SubVector", "clojure.lang.PersistentVector"), (r"clojure\.core\.Vec\b", "clojure.lang.PersistentVector")]


def java_double(text):
    """The shortest text of a double, as JDK 19 and later print it."""
    x = float(text)
    if 1e-3 <= abs(x) < 1e7 or x == 0:
        s = format(Decimal(repr(abs(x))), "f")
        s = s if "." in s else s + ".0"
    else:
        sign, ds, ex = Decimal(repr(abs(x))).normalize().as_tuple()
        s = f"{ds[0]}.{''.join(map(str, ds[1:])) or '0'}E{ex + len(ds) - 1}"
    return ("-" if text.startswith("-") else "") + s


def shortest(t): return DOUBLE.sub(lambda m: java_double(m[0]), t)


def near(a, b):
    x, y = DOUBLE.findall(a), DOUBLE.findall(b)
    if DOUBLE.sub("D", a) != DOUBLE.sub("D", b): return False
    return all(float(p) == float(q) or abs(float(p) - float(q)) <= 2e-15 * abs(float(p)) for p, q in zip(x, y))


def unseq(t): return SEQS.sub("SEQ", t)


def widen(t):
    for a, b in NARROW: t = re.sub(a, b, t)
    return unseq(re.sub(r"\(([\w.$]+) (?:is|and) .*", "", t))


RELATIONS = {
    "reader-position": lambda e, a, b: a.what == b.what == "err" and a.cls == b.cls and re.match(r"\d+:\d+: " + re.escape(a.text) + r"(; .*)?$", b.text, re.S),
    "shortest-double": lambda e, a, b: a.what == b.what and a.cls == b.cls and shortest(normal(a.text)) == normal(b.text),
    "last-digit": lambda e, a, b: a.what == b.what and near(normal(a.text), normal(b.text)),
    "seq-class": lambda e, a, b: a.what == b.what and a.cls == b.cls and widen(normal(a.text)) == widen(normal(b.text)),
    "other-message": lambda e, a, b: a.what == b.what == "err" and a.cls == b.cls,
}
