"""Random expressions over the functions that both evaluators have.

Arguments are chosen by the parameter names of Clojure's arglists (coll, f, pred, n, m, ks, ...), now and then anything at
all; nested calls are those that have answered a value of the wanted kind before (`learn`)."""
import random, re
from collections import defaultdict
from pools import KINDS

SKIP = set("""rand rand-int rand-nth random-sample random-uuid shuffle gensym slurp spit load-string load-file load-reader load read read-line eval
 time random print-simple print-method print-dup shutdown-agents in-ns intern ns-unmap ns-unalias create-ns remove-ns alias require use refer refer-clojure import
 find-ns ns-name the-ns all-ns ns-map ns-publics ns-refers ns-resolve ns-aliases ns-imports ns-interns loaded-libs alter-var-root var-set var-get add-watch
 agent send send-off await future-call pmap pcalls promise find-keyword definline compile flush newline prn println print pr printf pprint
 global-hierarchy derive underive class? bean push-thread-bindings pop-thread-bindings get-thread-bindings with-bindings* bound-fn* test
 read+string destructure set-error-handler! add-tap tap> remove-tap hash-combine proxy-mappings iterator-seq enumeration-seq resultset-seq line-seq xml-seq file-seq
 method-sig primitives-classnames extend supers bases class-name seq-to-map-for-destructuring update-proxy init-proxy construct-proxy proxy-name get-proxy-class
 create-struct struct struct-map accessor alter-meta! reset-meta! restart-agent release-pending-sends requiring-resolve clear-agent-errors  Throwable->map
 macroexpand macroexpand-1 prefers defmethod methods get-method remove-method remove-all-methods prefer-method postwalk-demo prewalk-demo
 ref ref-set alter commute ensure ref-history-count ref-max-history ref-min-history clojure-version tagged-literal
 array-map-cls chunk chunk-append chunk-buffer chunk-cons chunk-first chunk-next chunk-rest unchecked-byte unchecked-short unchecked-char""".split())
SKIP |= set("""set-error-mode! error-mode error-handler await await1 await-for send-via agent-error agent-errors agent? future? seque deliver extends? extenders satisfies?
 find-protocol-impl find-protocol-method aset-int aset-long aset-byte aset-short aset-char aset-float aset-double aset-boolean byte-array short-array char-array float-array double-array
 boolean-array int-array long-array to-array-2d make-array aset aget munge namespace-munge reader-conditional resolve ns-resolve deref ->Eduction ->ArrayChunk ->Vec ->VecNode ->VecSeq
 chunk-first chunk-rest chunk-next""".split())
SPACES = set("clojure.core clojure.string clojure.set clojure.walk clojure.edn clojure.math clojure.data clojure.zip".split())
ENDLESS = set("cycle repeat repeatedly iterate range".split())
BOUNDED = set("range repeat take drop repeatedly take-nth nthrest nthnext replicate times partition partition-all dotimes make-array vector-of bit-shift-left drop-last take-last split-at".split())

# parameter name -> kinds, tried in this order of likelihood
PARAMS = {}
for kinds, names in [
    ("any", "x y obj v val value expr not-found init message o e form o1 o2 default item"),
    ("num num num int", "num div a b number end start step y x1"),
    ("small small small int num", "n i idx index count cnt start end from-index pos size limit depth length"),
    ("coll coll coll any", "coll colls c1 c2 c3 c s1 s2 s xs seq to from sequence aseq items vals seqable iterable args p1"),
    ("map map map coll any", "m map maps kmap hmap smap mp kv"),
    ("key any", "k key kw val-key oldk"),
    ("path vec lazy", "ks keys keyseq path"),
    ("set set coll", "xset yset set1 set2 sets s1 s2 xrel yrel"),
    ("fn1 fn1 fn2 any", "f g h pred p keyfn fn fs p2 p3 ps fmt-fn proc"),
    ("fn2 rf", "rf comp comparator cmp"),
    ("xf xf fn1", "xform xforms xf"),
    ("cell cell any", "atom ref vol iref reference"),
    ("str str str any", "str string substr prefix suffix fmt msg cs text replacement"),
    ("regex regex str any", "re pattern match separator sep"),
    ("char str", "ch char match-char"),
    ("vec vec coll", "v vec subvec"),
    ("sym kw str", "sym symbol name ns tag"),
    ("kw any", "kw1"),
]:
    for n in names.split(): PARAMS.setdefault(n, []).extend(kinds.split())

# where the names mislead: function -> kinds of its arguments
EXACT = {
    "reduce": ["fn2 rf", "any coll", "coll"], "transduce": ["xf", "rf", "any coll", "coll"], "into": ["coll", "xf coll", "coll"], "sort": ["fn2 coll", "coll"],
    "sort-by": ["fn1", "fn2 coll", "coll"], "apply": ["fn2 fn1", "any coll", "any coll", "coll"], "get-in": ["map coll", "path", "any"], "assoc-in": ["map coll", "path", "any"],
    "update-in": ["map coll", "path", "fn1", "any"], "update": ["map vec", "key", "fn1 fn2", "any"], "swap!": ["cell", "fn1 fn2", "any"], "map": ["fn1 fn2", "coll", "coll"],
    "partition": ["small", "small coll", "coll", "coll"], "subs": ["str", "small", "small"], "subvec": ["vec", "small", "small"], "nth": ["coll", "small", "any"],
    "bit-and": ["int", "int"], "bit-or": ["int", "int"], "bit-xor": ["int", "int"], "bit-shift-left": ["int", "small"], "bit-shift-right": ["int", "small"], "str": ["any", "any"],
    "unsigned-bit-shift-right": ["int", "small"], "bit-test": ["int", "small"], "bit-set": ["int", "small"], "bit-clear": ["int", "small"], "bit-flip": ["int", "small"], "bit-not": ["int"],
    "re-find": ["regex", "str"], "re-matches": ["regex", "str"], "re-seq": ["regex", "str"], "re-pattern": ["str regex"], "read-string": ["str"], "parse-long": ["str"],
    "parse-double": ["str"], "parse-boolean": ["str"], "parse-uuid": ["str"], "keyword": ["str kw sym", "str"], "symbol": ["str kw sym", "str"], "name": ["kw sym str"],
    "namespace": ["kw sym"], "int": ["num char"], "long": ["num char"], "double": ["num"], "float": ["num"], "char": ["int char"], "byte": ["num"], "short": ["num"],
    "bigint": ["num str"], "bigdec": ["num str"], "biginteger": ["num str"], "rationalize": ["num"], "numerator": ["ratio num"], "denominator": ["ratio num"],
    "join": ["str char coll", "coll"], "replace": ["str map", "str regex coll", "str"], "split": ["str", "regex", "small"], "replace-first": ["str", "regex str", "str fn1"],
    "escape": ["str", "map"], "index-of": ["str", "str char", "small"], "last-index-of": ["str", "str char", "small"], "starts-with?": ["str", "str"],
    "ends-with?": ["str", "str"], "includes?": ["str", "str"], "format": ["str", "any"], "walk": ["fn1", "fn1", "coll"], "prewalk": ["fn1", "coll"], "postwalk": ["fn1", "coll"],
    "prewalk-replace": ["map", "coll"], "postwalk-replace": ["map", "coll"], "keywordize-keys": ["map coll"], "stringify-keys": ["map coll"], "select": ["fn1", "set"],
    "project": ["xrel", "path"], "join-rel": ["xrel", "xrel"], "rename": ["xrel", "map"], "index": ["xrel", "path"], "rename-keys": ["map", "map"], "map-invert": ["map"],
    "hash": ["any"], "compare": ["any", "any"], "=": ["any", "any", "any"], "==": ["num", "num", "num any"], "not=": ["any", "any"], "identical?": ["kw nil bool", "kw nil bool"],
    "zipmap": ["coll", "coll"], "group-by": ["fn1", "coll"], "reductions": ["fn2", "any coll", "coll"], "iterate": ["fn1", "num"], "repeatedly": ["small", "fn0"],
    "trampoline": ["fn1", "any"], "memoize": ["fn1"], "fnil": ["fn1 fn2", "any", "any"], "ex-info": ["str", "map", "any"], "tree-seq": ["fn1", "fn1", "coll"], "nthrest": ["coll", "small"],
    "nthnext": ["coll", "small"], "drop-last": ["small", "coll"], "take-last": ["small", "coll"], "split-at": ["small", "coll"], "rand-nth": ["coll"], "subseq": ["map set", "fn2", "any"],
    "rsubseq": ["map set", "fn2", "any"], "sorted-map-by": ["fn2", "key", "any", "key", "any"], "sorted-set-by": ["fn2", "any", "any", "any"], "sorted-map": ["key", "any", "key", "any"],
    "sorted-set": ["key num", "key num", "key num"], "hash-map": ["any", "any", "any", "any"], "array-map": ["any", "any", "any", "any"], "min-key": ["fn1", "any", "any"], "max-key": ["fn1", "any", "any"],
    "reduce-kv": ["fn2 any", "any", "map vec"], "comp": ["fn1", "fn1"], "partial": ["fn2", "any"], "juxt": ["fn1", "fn1"], "every-pred": ["fn1", "fn1"], "some-fn": ["fn1", "fn1"],
    "interleave": ["coll", "coll", "coll"], "cycle": ["coll"], "range": ["num", "num", "num"], "repeat": ["small", "any"], "with-meta": ["coll", "meta"], "isa?": ["any", "any"], "parents": ["kw"], "ancestors": ["kw"], "descendants": ["kw"], "vary-meta": ["coll", "fn1", "any"],
    "conj!": ["cell", "any"], "assoc!": ["cell", "key", "any"], "dissoc!": ["cell", "key"], "persistent!": ["cell"], "pop!": ["cell"], "disj!": ["cell", "any"], "transient": ["vec map set any"],
    "dedupe": ["coll"], "disj": ["set", "any"], "contains?": ["map set vec any", "key any"], "select-keys": ["map vec", "path coll"], "instance?": ["any", "any"], "cast": ["any", "any"],
    "print-str": ["any", "any"], "prn-str": ["any", "any"], "pr-str": ["any", "any"], "println-str": ["any", "any"], "char-escape-string": ["char"], "aget": ["coll", "small"],
    "case-insensitive": ["any"], "bounded-count": ["small", "coll"], "partition-by": ["fn1", "coll"], "partition-all": ["small", "small coll", "coll"], "mapcat": ["fn1", "coll", "coll"],
    "vector-of": ["kw", "num"], "list*": ["any", "any", "coll"], "cons": ["any", "coll any"], "lazy-cat": ["coll", "coll"], "merge-with": ["fn2", "map", "map"], "ifn?": ["any fn1"],
    "completing": ["rf", "fn1"], "eduction": ["xf", "coll"], "sequence": ["xf coll", "coll"], "halt-when": ["fn1", "fn2"], "random-sample": ["num", "coll"], "update-vals": ["map", "fn1"], "update-keys": ["map", "fn1"],
}

HOST = {  # class members with arguments that make the choice of the overload clear
    "Math/abs": ["num"], "Math/max": ["num", "num"], "Math/min": ["num", "num"], "Math/floor": ["num"], "Math/ceil": ["num"], "Math/round": ["dbl"], "Math/pow": ["num", "num"], "Math/sqrt": ["num"],
    "Math/signum": ["dbl"], "Math/floorDiv": ["int", "int"], "Math/floorMod": ["int", "int"], "Math/addExact": ["int", "int"], "Math/rint": ["num"], "Math/hypot": ["num", "num"], "Math/cbrt": ["num"],
    "Math/atan2": ["num", "num"], "Math/log10": ["num"], "Math/exp": ["num"], "Math/toIntExact": ["int"], "Math/negateExact": ["int"],
    "Long/parseLong": ["str", "small"], "Long/toString": ["int", "small"], "Long/toHexString": ["int"], "Long/toBinaryString": ["int"], "Long/compare": ["int", "int"], "Long/bitCount": ["int"],
    "Integer/parseInt": ["str", "small"], "Integer/toHexString": ["small"], "Double/parseDouble": ["str"], "Double/isNaN": ["dbl"], "Double/toString": ["dbl"], "Double/compare": ["dbl", "dbl"],
    "Boolean/parseBoolean": ["str"], "Character/isDigit": ["char"], "Character/isLetter": ["char"], "Character/isWhitespace": ["char"], "Character/toUpperCase": ["char"], "Character/isUpperCase": ["char"],
    "Character/digit": ["char", "small"], "Character/getNumericValue": ["char"], "String/valueOf": ["any"], "String/join": ["str", "vec"],
    ".length": ["str"], ".toUpperCase": ["str"], ".toLowerCase": ["str"], ".trim": ["str"], ".strip": ["str"], ".isBlank": ["str"], ".isEmpty": ["str"], ".substring": ["str", "small", "small"],
    ".indexOf": ["str", "str", "small"], ".lastIndexOf": ["str", "str"], ".contains": ["str", "str"], ".startsWith": ["str", "str"], ".endsWith": ["str", "str"], ".replace": ["str", "str", "str"],
    ".replaceAll": ["str", "str", "str"], ".replaceFirst": ["str", "str", "str"], ".concat": ["str", "str"], ".charAt": ["str", "small"], ".repeat": ["str", "small"], ".compareTo": ["str", "str"],
    ".equals": ["any", "any"], ".hashCode": ["any"], ".toString": ["any"], ".getName": ["kw"], ".equalsIgnoreCase": ["str", "str"], ".intValue": ["num"], ".longValue": ["num"], ".doubleValue": ["num"],
    ".scale": ["dec"], ".precision": ["dec"], ".negate": ["dec"], ".abs": ["dec"], ".signum": ["dec"], ".add": ["dec", "dec"], ".subtract": ["dec", "dec"], ".multiply": ["dec", "dec"],
    ".getMessage": ["any"], ".get": ["map", "key"], ".containsKey": ["map", "key"], ".size": ["coll"], ".getKey": ["any"], ".getClass": ["any"],
}

TEMPLATES = """(let [[a b & c :as d] {coll}] [a b c d])|(let [{:keys [a b] :as m :or {a 9}} {map}] [a b m])|(let [{:strs [a] :syms [b]} {map}] [a b])|(for [x {coll} y {coll}] [x y])
(for [x {coll} :when (number? x) :let [y (* 2 x)]] y)|(for [x {coll} :while (some? x)] x)|(loop [i 0 acc {coll}] (if (< i 3) (recur (inc i) (conj acc i)) acc))|(case {any} 1 :one "a" :a :a :kw nil :nil [1] :vec (2 3) :few :else)
(cond-> {any} true ({fn1}) false inc)|(cond->> {coll} true (map {fn1}))|(-> {any} {fn1} {fn1})|(->> {coll} (map {fn1}) (filter {fn1}))|(some-> {any} {fn1} {fn1})|(as-> {any} x [x x])|(when-let [x {any}] [x])|(if-let [x {any}] [x] :no)
(if-some [x {any}] [x] :no)|(and {any} {any})|(or {any} {any})|(condp {fn2} {any} {any} :a {any} :b :c)|(try ({fn1} {any}) (catch Exception e [(class e) (ex-message e)]))|(doto {any} str)|(letfn [(f [x] ({fn1} x))] (f {any}))
(with-out-str (prn {any}))|(with-out-str (println {any} {any}))|(with-out-str (pr {any}))|(binding [*print-length* {small}] (pr-str {coll}))|(binding [*print-level* {small}] (pr-str {coll}))|(binding [*print-meta* true] (pr-str {coll}))
(let [v {coll}] [(hash v) (meta v) (seq? v) (vector? v) (list? v) (counted? v) (sequential? v) (associative? v) (reversible? v)])|(let [v {any}] [(str v) (hash v) (= v v)])|(transduce {xf} {rf} {coll})|(into {coll} {xf} {coll})
(sequence {xf} {coll})|(sequence {xf} {coll} {coll})|(let [x {any} y {any}] [(= x y) (= y x) (try (compare x y) (catch Exception e (ex-message e)))])|(sort [{any} {any} {any}])|(sort-by {fn1} [{any} {any} {any}])|(hash-map {any} {any} {any} {any})
(conj {coll} {any} {any})|(assoc {coll} {key} {any} {key} {any})|(get {coll} {any} {any})|(reduce {fn2} {coll})|(reduce {fn2} {any} {coll})|({map} {key} {any})|({set} {any})|({vec} {num})|({kw} {any} {any})|({any} {any})|({fn1} {any} {any})|(format "{fmt}" {any})
(format "{fmt}" {num})|(format "{fmt}" {int})|(format "{fmt}|{fmt}" {num} {any})|(edn/read-string {str})|(read-string {str})|(str {num})|(pr-str {any})|(frequencies {coll})|(type {any})|(class {any})|(map {fn2} {coll} {coll})|(apply {fn2} {coll})|(vec {any})
(let [a (atom {any})] [(swap! a {fn1}) @a])|(let [a (atom {any})] (reset-vals! a {any}))|(compare {num} {num})|(= {num} {num})|(== {num} {num})|(< {num} {num})|(+ {num} {num})|(- {num} {num})|(* {num} {num})|(/ {num} {num})|(quot {num} {num})|(rem {num} {num})|(mod {num} {num})
(max {num} {num})|(min {num} {num})|(hash {num})|(str/replace {str} {regex} {str})|(str/split {str} {regex})|(re-seq {regex} {str})|(with-precision {prec} (/ {dec} {dec}))|(with-precision {prec} :rounding HALF_UP (* {dec} {dec}))|(+' {num} {num})|(*' {num} {num})|(persistent! (conj! (transient {coll}) {any}))"""
TEMPLATES = [t for l in TEMPLATES.splitlines() for t in l.split("|") if t.count("(") == t.count(")")] + ['(format "{fmt}-{fmt}" {num} {any})']
HOLE = re.compile(r"\{(any|coll|map|fn0|fn1|fn2|small|num|int|str|regex|kw|key|set|vec|xf|rf|dec|fmt|prec)\}")


def names(servers):
    """{full name: arglists} of the functions that both have."""
    o, u = servers
    o.start()
    o.p.stdin.write(b":names\n"); o.p.stdin.flush()
    out = {}
    for l in iter(o.p.stdout.readline, b"\n"):
        n, kind, args = l.decode().rstrip("\n").split(" ", 2)
        if n.split("/")[0] not in SPACES: continue
        if kind == "fn" and n.split("/", 1)[1] not in SKIP and not n.split("/", 1)[1].startswith("unchecked-"[:0] or "\0"):
            out[n] = [re.findall(r"[^\s]+", a) for a in re.findall(r"\[([^\[\]]*(?:\[[^\]]*\][^\[\]]*)*)\]", args[1:-1])] if args != "nil" else [["x"]]
    have = u.ask([f"(some? (resolve '{n}))" for n in out])
    return {n: a for (n, a), h in zip(out.items(), have) if h.text == "true"}


class Gen:
    def __init__(self, seed, fns, only=None):
        self.r, self.fns = random.Random(seed), fns
        self.pool = {k: list(v) for k, v in KINDS.items()}
        self.learned = defaultdict(list)
        self.all = list(fns) + [h for h in HOST for _ in range(1)]
        self.only = re.compile(only) if only else None
        if self.only: self.all = [n for n in self.all if self.only.search(n)]
        self.templates = [t for t in TEMPLATES if not self.only or self.only.search(t)]

    def short(self, n): return n[len("clojure.core/"):] if n.startswith("clojure.core/") else n

    def value(self, kinds, depth):
        k = self.r.choice(kinds.split())
        if self.r.random() < 0.06: k = "any"
        if depth > 0 and self.learned[k] and self.r.random() < 0.3: return self.r.choice(self.learned[k])
        if depth > 0 and self.r.random() < 0.1: return self.nest(k, depth)
        return self.r.choice(self.pool[k])

    def nest(self, k, depth):
        """A literal collection of values."""
        v = [self.value("any", depth - 1) for _ in range(self.r.randrange(4))]
        if k in ("map",): return "(hash-map " + " ".join(v[:len(v) // 2 * 2]) + ")"
        if k in ("set",): return "(hash-set " + " ".join(v) + ")"
        return "[" + " ".join(v) + "]" if k in ("vec", "coll", "any", "path") else self.r.choice(self.pool[k])

    def args(self, name, lists, depth):
        base = name.split("/")[-1] if name != "clojure.core//" else "/"
        if self.r.random() < 0.04: return [self.value("any", depth) for _ in range(self.r.randrange(5))]
        if base in EXACT or name in HOST:
            kinds = EXACT.get(base) if name not in HOST else HOST[name]
            sizes = [len([p for p in l if p != "&"]) for l in lists if l is not None] if lists else [len(kinds)]
            n = self.r.choice(sizes or [len(kinds)])
            if name in HOST: n = len(kinds) - (1 if len(kinds) > 2 and self.r.random() < 0.5 or name in ("Long/parseLong", "Long/toString", "Integer/parseInt") and self.r.random() < .5 else 0)
            return [self.value(kinds[min(i + max(0, len(kinds) - n) if n < len(kinds) and base in ("reduce", "transduce", "sort", "sort-by", "partition", "partition-all", "reductions", "join") and i == n - 1 else i, len(kinds) - 1)], depth) for i in range(n)]
        l, out, more = self.r.choice(lists), [], False
        default = "num" if name.startswith("clojure.math/") else "str" if name.startswith("clojure.string/") else "any"
        for p in l:
            if p == "&": more = True; continue
            kinds = " ".join(PARAMS.get(p.strip("[]?'").rstrip("0123456789") if p not in PARAMS else p, [default]))
            if default != "any" and p in ("s", "x", "y", "a", "b", "d", "n"): kinds = default
            for _ in range(self.r.randrange(4) if more else 1): out.append(self.value(kinds, depth))
        return out

    def call(self, depth):
        name = self.r.choice(self.all)
        short = self.short(name)
        args = self.args(name, self.fns.get(name), depth)
        if short in BOUNDED or short in ENDLESS: args = [a if len(a.strip("-N")) < 7 else self.r.choice(self.pool["small"]) if a[-1].isdigit() else a for a in args]
        e = "(" + " ".join([short] + args) + ")"
        return f"(take 9 {e})" if short in ENDLESS else e

    def fmt(self):
        r = self.r
        flags = "".join(f for f in "-+ 0,(#" if r.random() < 0.12)
        return "%" + flags + r.choice(["", "", "", "5", "12", "2"]) + r.choice(["", "", ".2", ".0", ".10"]) + r.choice("sdfxXeEgobcShHaA%nt"[:r.choice([4, 18])])

    def expr(self):
        if self.templates and (not self.all or self.r.random() < 0.35):
            return HOLE.sub(lambda m: self.fmt() if m[1] == "fmt" else str(self.r.randrange(0, 20)) if m[1] == "prec" else self.value(m[1], 1), self.r.choice(self.templates))
        return self.call(2)

    def learn(self, expr, theirs):
        if theirs.what != "ok" or len(expr) > 70 or "#error" in theirs.text or re.search(r"\bdef|!", expr): return
        t = theirs.text
        k = ("nil" if t == "nil" else "bool" if t in ("true", "false") else "str" if t[0] == '"' else "kw" if t[0] == ":" else "char" if t[0] == "\\" else "vec" if t[0] == "["
             else "map" if t[0] == "{" else "set" if t.startswith("#{") else "lazy" if t[0] == "(" else "num" if re.match(r"-?\d|##", t) else "fn1" if "$" in t and t.startswith("#object[cloj") else None)
        for kind in [k, "any"] + (["coll"] if k in ("vec", "map", "set", "lazy") else []):
            if not kind: continue
            p = self.learned[kind]
            if len(p) < 400: p.append(expr)
            else: p[self.r.randrange(400)] = expr


def subforms(expr):
    """All calls inside an expression, smallest first."""
    out, stack, i, n = [], [], 0, len(expr)
    while i < n:
        c = expr[i]
        if c == '"':
            i += 1
            while i < n and expr[i] != '"': i += 2 if expr[i] == "\\" else 1
        elif c == "\\": i += 1
        elif c in "([{":
            stack.append(i)
        elif c in ")]}" and stack:
            s = stack.pop()
            if c == ")" and not re.match(r"\((recur|fn|catch|finally) ", expr[s:]) and (s == 0 or expr[s - 1] not in "'#@"): out.append(expr[s:i + 1])
        i += 1
    return sorted(set(out), key=len)


def signature(expr, theirs, mine):
    head = re.match(r"\(?([^\s()]+)", expr)
    def shape(a):
        if a.what != "err": return a.what
        t = re.sub(r"class \S+ cannot be cast to class (\S+).*", r"cast \1", a.text)
        return a.cls, re.sub(r"(from|key|integer|type|class|on|for|number|range)(: | ).*", r"\1", re.sub(r"-?\d+", "9", t))[:60]
    return (head and head[1], shape(theirs), shape(mine))
