"""Generators of one subject each: regular expressions, text for the readers, numbers."""
import random


def quote(s):
    return '"' + "".join({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(c, c) for c in s) + '"'


class Regex:
    """Patterns of java.util.regex from a grammar, now and then damaged, with what Clojure does with them."""
    ATOMS = ["a", "b", "c", "ab", "1", "x", " ", ".", "\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "\\.", "\\\\", "\\t", "\\n", "-", "é", "日", "\\u00e9", "\\x41", "\\p{L}", "\\p{Lu}",
             "\\p{Alpha}", "\\p{Punct}", "\\P{L}", "\\pL", "\\p{IsAlphabetic}", "\\h", "\\R", "\\Qa.b\\E", "\\p{javaLowerCase}", "\\p{InGreek}", "\\p{IsLatin}", "\\0101", "\\cA", "\\e", "\\v", "\\X", "\\N{DIGIT ONE}",
             "[abc]", "[^abc]", "[a-c]", "[a-cx-z]", "[\\d]", "[\\w-]", "[^\\s]", "[a-z&&[^b]]", "[a-c[x-z]]", "[]a]", "[^]a]", "[a-]", "[-a]", "[.]", "[\\]]", "[\\[]", "[[ab]]", "[a&&b]", "[&&a]", "[\\p{L}&&[^a]]", "[^a-c[x]]", "[\\Qab\\E]"]
    ANCHORS = ["^", "$", "\\b", "\\B", "\\A", "\\z", "\\Z", "\\G", "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?<=a|bc)", "(?<=a{1,3})"]
    QUANT = ["*", "+", "?", "*?", "+?", "??", "*+", "++", "?+", "{2}", "{1,2}", "{1,}", "{0,2}?", "{2}+", "{,2}"]
    FLAGS = ["(?i)", "(?s)", "(?m)", "(?x)", "(?u)", "(?iu)", "(?-i)", "(?d)", "(?U)", "(?is)", "(?q)"]
    TEXTS = ["", "a", "abc", "aabbcc", "a1b22c333", "ABC abc", "a.b", "foo bar  baz", "x\ny\nz", "x\r\ny", "é日本", "a,b,,c,", "  a ", "aaa", "_-a1", "ÀÉé", "ab\\cd", "αΒγ", "a\u0085b", "a\u2028b", "(a)[b]{c}", "12-34-56", "\t", "ſK", "ß"]
    REPL = ["", "x", "$0", "<$0>", "$1", "\\\\$1", "\\\\", "$", "${n}", "$2", "a$", "\\\\x", "$10"]

    def __init__(self, seed): self.r = random.Random(seed)

    def atom(self, d):
        r = self.r
        k = r.random()
        if d > 0 and k < 0.3:
            inner = self.pattern(d - 1)
            return r.choice(["(%s)", "(%s)", "(?:%s)", "(?<n>%s)", "(?=%s)", "(?!%s)", "(?>%s)", "(?<=%s)", "(?i:%s)"]) % inner
        if k < 0.38: return r.choice(self.ANCHORS)
        if k < 0.43: return r.choice(["\\1", "\\2", "\\k<n>"])
        return r.choice(self.ATOMS)

    def pattern(self, d=2):
        r = self.r
        alts = []
        for _ in range(1 if r.random() < 0.75 else 2):
            alts.append("".join(self.atom(d) + (r.choice(self.QUANT) if r.random() < 0.3 else "") for _ in range(r.choice([1, 1, 2, 2, 3, 4]))))
        return "|".join(alts)

    def expr(self):
        r = self.r
        p = self.pattern()
        if r.random() < 0.15: p = r.choice(self.FLAGS) + p
        if r.random() < 0.08:
            i = r.randrange(len(p) + 1)
            p = p[:i] + r.choice(list("()[]{}*+?\\|^$-&#")) + p[i + (r.random() < 0.5):]
        re, t = f"(re-pattern {quote(p)})", quote(r.choice(self.TEXTS))
        return r.choice([f"(re-seq {re} {t})", f"(re-seq {re} {t})", f"(re-find {re} {t})", f"(re-matches {re} {t})", f"(str/split {t} {re})", f"(str/split {t} {re} {r.randrange(-1, 4)})",
                         f"(str/replace {t} {re} {quote(r.choice(self.REPL))})", f"(str/replace-first {t} {re} {quote(r.choice(self.REPL))})", f"(str/replace {t} {re} (fn [m] (str \"<\" m \">\")))", f"(str {re})", f"(pr-str {re})"])


class Reader:
    """Soups of tokens for read-string and edn/read-string."""
    TOKENS = """( ) [ ] { } #{ #( ' ` ~ ~@ @ ^ #' #_ #? #?@ #: #:a{ #::{ ::a :a :a/b :: :/ :a/ a/b a. .a / // a/ /a a//b +a -a + - +1 -1 1. 1.5 .5 -.5 1e5 1e 1e+5 1E-5 1.e5 0 00 08 017 -017 0x1F 0xG -0x1 2r101 36rZZ 37r1 1r0
 1N 1M 1.5M 1.5N 1/2 -1/2 1/0 0/1 4/2 1/ 1a 1/2N 1e5M 123456789012345678901 1.7976931348623157E309 "a" "a\\\\n" "\\\\q" "\\\\u00e9" "\\\\u12" "\\\\377" "\\\\400" " \\\\a \\\\space \\\\newline \\\\u00e9 \\\\o101 \\\\o400 \\\\xx \\\\uD800
 nil true false nil? true/a nil/a ##Inf ##-Inf ##NaN ##Foo ## #inst"2020" #inst"x" #uuid"1" #uuid"00000000-0000-0001-0000-000000000002" #foo #foo/bar #"a" #"[" #"\\\\d" ;c %1 % %& & a' a# a:b a::b :a:b a: :a' 'a a'b a@b a~b a^b a"b a;b a,b , \\\\ # ' ^:a ^{:a_1} ^a ^"s" ^1 ^[a]
 #^a #! #<a> #= #=(+_1) \\\\( foo.bar/baz . .. ... -> ->> <=> *a* a? a! $a a$b é 日 😀 a|b |a _ _a \u00a0""".split()

    def __init__(self, seed): self.r = random.Random(seed)

    def text(self, n):
        r = self.r
        out = []
        for _ in range(n):
            if r.random() < 0.3: out.append(r.choice(["(%s)", "[%s]", "{%s}", "#{%s}", "'%s", "^%s a", "#_%s", "@%s", "#(%s)", "`%s", "#:x{%s}"]) % self.text(r.randrange(3)))
            else: out.append(r.choice(self.TOKENS).replace("_1", " 1").replace("\\\\", "\\"))
        return r.choice(["", " ", " "]).join(out)

    def expr(self):
        t = quote(self.text(self.r.choice([1, 1, 2, 3, 5])))
        return self.r.choice([f"(read-string {t})", f"(read-string {t})", f"(edn/read-string {t})", f"(let [x (read-string {t})] [(class x) (meta x) (hash (str x))])"])


class Numbers:
    """Literals, parsing, printing and arithmetic of every type of number."""
    def __init__(self, seed): self.r = random.Random(seed)

    def digits(self, n): return "".join(self.r.choice("0123456789") for _ in range(n)) or "0"

    def double(self):
        r = self.r
        k = r.random()
        if k < 0.3: return f"{r.choice(['', '-'])}{self.digits(r.randrange(1, 9))}.{self.digits(r.randrange(1, 9))}"
        if k < 0.6: return f"{r.randrange(10)}.{self.digits(r.randrange(1, 18))}E{r.randrange(-330, 310)}"
        if k < 0.7: return f"{r.randrange(10)}.{self.digits(r.randrange(1, 4))}E{r.randrange(-8, 12)}"
        if k < 0.8: return repr(r.uniform(-1e6, 1e6))
        return r.choice(["0.0", "-0.0", "##Inf", "##-Inf", "##NaN", "4.9E-324", "1.7976931348623157E308", "0.1", "1e7", "9999999.999", "0.001", "0.00099999", "1e21", "123456789012345680.0"])

    def dec(self):
        r = self.r
        s = r.choice(["", "-"]) + str(int(self.digits(r.choice([1, 2, 5, 20])))) + (f".{self.digits(r.randrange(1, 8))}" if r.random() < 0.7 else "")
        return s + (f"E{r.randrange(-12, 12)}" if r.random() < 0.25 else "") + "M"

    def integer(self):
        r = self.r
        n = r.choice([r.randrange(-20, 20), r.randrange(-10**9, 10**9), r.randrange(-2**63, 2**63), 2**63 - 1 - r.randrange(3), -2**63 + r.randrange(3)])
        return str(n)

    def big(self): return str(self.r.choice([1, -1]) * int(self.digits(self.r.choice([1, 19, 25, 40])))) + "N"
    def ratio(self): return f"{self.r.randrange(-50, 50)}/{self.r.randrange(1, 30)}"
    def num(self): return self.r.choice([self.double, self.dec, self.integer, self.big, self.ratio, self.integer])()

    def text(self):
        r = self.r
        s = r.choice([self.double(), self.dec()[:-1], self.integer(), self.ratio(), self.digits(3) + r.choice(["f", "d", "L", "e", "e5", ".", "x", " ", "N"]), "0x" + self.digits(2), "+" + self.digits(2), " 5", "5 ", "", "-", "1_000", "٣", "NaN", "Infinity", "-Infinity", "1e400", "0x1p3", ".5", "5."])
        return quote(s)

    def expr(self):
        r, n = self.r, self.num
        k = r.random()
        if k < 0.15: return n()
        if k < 0.5: return f"(let [[x y] [{n()} {n()}]] ({r.choice('+ - * / quot rem mod < <= > >= == = compare max min + - * / ' .split())} x y))"
        if k < 0.6: return f"({r.choice(['parse-long', 'parse-double', 'Long/parseLong', 'Double/parseDouble', 'bigdec', 'bigint', 'biginteger', 'read-string', 'edn/read-string', 'Integer/parseInt', 'BigDecimal.', 'BigInteger.'])} {self.text()})"
        if k < 0.8: return f"({r.choice('str pr-str hash inc dec abs long int double bigint bigdec biginteger rationalize num zero? pos? neg? even? integer? - float? ratio? decimal? class'.split())} {n()})"
        if k < 0.84: return f"(let [x {n()}] [(.hashCode x) (= x x) (str x)])"
        if k < 0.9: return f"(.setScale {self.dec()} {r.randrange(-2, 6)} {r.choice('BigDecimal/ROUND_UP BigDecimal/ROUND_DOWN BigDecimal/ROUND_CEILING BigDecimal/ROUND_FLOOR BigDecimal/ROUND_HALF_UP BigDecimal/ROUND_HALF_DOWN BigDecimal/ROUND_HALF_EVEN BigDecimal/ROUND_UNNECESSARY'.split())})"
        if k < 0.93: return f"(with-precision {r.randrange(1, 12)} :rounding {r.choice('UP DOWN CEILING FLOOR HALF_UP HALF_DOWN HALF_EVEN'.split())} ({r.choice('+-*/')} {self.dec()} {self.dec()}))"
        if k < 0.97: return f'(format "%{r.choice(["", "10", "012", "-14", "+", ","])}{r.choice(["", ".0", ".1", ".3", ".12"])}{r.choice("fegE")}" {r.choice([self.double, self.dec])()})'
        return f"(Math/{r.choice(['round', 'floor', 'ceil', 'rint', 'abs'])} {self.double()})"


MODES = {"regex": Regex, "reader": Reader, "numbers": Numbers}
