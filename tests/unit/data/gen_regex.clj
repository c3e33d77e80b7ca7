;; Writes regex_oracle.txt: pattern <tab> text <tab> ok|err <tab> all matches as [[start end group...] ...] with code point offsets,
;; or the message of the PatternSyntaxException. Run like gen_read.clj.
(require '[clojure.string :as str])
(defn esc [s] (str/escape (str s) {\\ "\\\\" \newline "\\n" \tab "\\t" \return "\\r"}))
(defn cps [^String s i] (.codePointCount s 0 i))
(defn all [p ^String s]
  (let [m (re-matcher (re-pattern p) s)]
    (loop [out []]
      (if (.find m)
        (recur (conj out (into [(cps s (.start m)) (cps s (.end m))] (map #(.group m (int %)) (range 1 (inc (.groupCount m)))))))
        (pr-str {:find out :matches (.matches (re-matcher (re-pattern p) s))})))))
(def cases
  [["a+" "baaac"] ["a*" "baa"] ["(a)(b)?" "abac"] ["(?i)AbC" "xabcABC"] ["[a-z&&[^aeiou]]+" "hello world"] ["[a-z&&[def]]" "abcdefg"] ["[a-d[m-p]]+" "abmnxyz"] ["[^a-d[m-p]]+" "abmnxyz"]
   ["[a-z&&[^bc]]" "abcd"] ["[a-z&&[^m-p]]+" "almz"] ["[\\w&&[^\\d_]]+" "ab12_c"] ["[^\\d\\s]+" "a1 b2"] ["[]a]+" "]a]"] ["[^]a]+" "x]ay"] ["[a\\]b]+" "a]b"] ["[-a]+" "a-b"] ["[a-]+" "a-b"] ["[a\\-z]+" "a-zb"]
   ["[.*+?]+" "a.*+?"] ["[\\Q^-]\\E]+" "a^-]b"] ["\\Qa.b\\E" "axb a.b"] ["\\Qa.b" "a.b"] ["\\Qab\\E+" "abbb"] ["a\\Q\\Eb" "ab"] ["\\d+\\s\\w*" "12 ab_c"] ["\\h+" "a \t\u00a0b"] ["\\v+" "a\n\u000bb"] ["\\R" "a\r\nb\nc\rd"] ["\\bfoo\\b" "foo food foo"]
   ["\\bé" "é aé"] ["\\b" "añb c"] ["\\B" "añb c"] ["\\w+" "añb"] ["(?U)\\w+" "añb c"] ["\\p{Alpha}+" "abñ1"] ["\\p{L}+" "abñ1"] ["\\p{Lu}" "aÑB"] ["\\P{Lu}+" "aÑB"] ["\\pL+" "añ1"] ["\\p{IsAlphabetic}+" "añ1"] ["\\p{IsLatin}+" "añ日"] ["\\p{IsHan}+" "añ日本"] ["\\p{Punct}+" "a!?~`b"] ["\\p{Space}+" "a \n\tb"]
   ["[\\p{Lower}\\d]+" "abA12"] ["[^\\p{Lower}]+" "abA12"] ["\\p{XDigit}+" "xafF09g"] ["\\p{javaLowerCase}+" "Añb"] ["\\p{Blank}+" "a \tb"] ["[\\P{L}]+" "a12b"] ["\\p{InGreek}+" "aαβ"] ["\\p{IsDigit}+" "a1٣"] ["\\p{Sc}" "€$"] ["\\p{gc=Lu}+" "aAB"] ["\\p{script=Greek}+" "aαβ"]
   ["^a$" "a"] ["^a" "a\na"] ["(?m)^a" "a\na"] ["(?m)a$" "a\na\r\na"] ["a$" "a\n"] ["a\\Z" "a\n"] ["a\\z" "a\n"] ["\\Aa" "aa"] ["." "a\nb\r"] ["(?s)." "a\n"] ["a.b" "a\nb"] ["(?s)a.b" "a\nb"] ["(?x) a b # c\n c" "abc"] ["(?x)[a b]+" "a b"] ["(?i:a)b" "AbAB"] ["a(?i)b" "aBAB"] ["(a(?i)b)c" "aBc aBC"]
   ["(?<year>\\d{4})-(?<m>\\d\\d)" "2026-01"] ["(?<n>a)\\k<n>" "aa"] ["(a)\\1" "aa"] ["\\1(a)" "aa"] ["(a)\\2" "aa"] ["(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\\10" "abcdefghijj"] ["(a)\\10" "aa0"] ["(?:ab)+" "abab"] ["(?=a)\\w" "ba"] ["(?!a)\\w" "ab"] ["(?<=a)b" "ab"] ["(?<!a)b" "abb"] ["(?>a+)b" "aab"] ["a++b" "aab"] ["a*+a" "aaa"] ["a?+a" "a"] ["a{2}" "aaaa"] ["a{2,}?" "aaaa"] ["a{1,2}+" "aaa"]
   ["\\x41\\u0042\\x{43}\\0104\\t\\cA" "ABCD\t\u0001"] ["\\ud83d\\ude00" "x😀"] ["😀+" "😀😀"] ["[😀-😂]" "a😁"] ["." "😀é"] ["\\e|\\a|\\f" "\u000c\u001b"] ["\\." "a.b"] ["\\-\\/\\\"\\'" "-/\"'"] ["\\@\\#\\ " "@# "] ["a|b|" "abc"] ["(|a)+" "aa"] ["}" "a}"] ["]" "a]"] ["a]b}" "a]b}"] ["" "ab"] ["(a|ab)(c|bcd)(d*)" "abcd"] ["x*" "aaa"]
   ["\\s+" " a \u00a0 "] ["\\S+" "a b"] ["(\\w+)@(\\w+)\\.com" "joe@ex.com"] ["^\\s*$" ""] ["(?i)straße" "STRAßE"] ["[A-Z]" "aBcD"] ["(\\d+)-(\\d+)" "12-34"] ["[&]+" "a&&b"] ["[a&b]+" "a&b"] ["[a-c&&b-d&&[^c]]" "abcd"] ["[\\[\\]]" "[x]"] ["[\\^a]" "^a"] ["[a^]" "^a"] ["[\\n\\t]+" "a\n\tb"] ["[\\x41-\\x43]+" "ABCD"] ["[\\u0041-C]+" "ABCD"] ["\\Qa\\\\b\\E" "a\\\\b"] ["a\\\nb" "a\nb"]
   ["(a" ""] ["a)" ""] [")" ""] ["*" ""] ["+a" ""] ["?a" ""] ["a**" ""] ["a{" ""] ["a{1" ""] ["{" ""] ["a{,2}" ""] ["a{2,1}" ""] ["[" ""] ["[a" ""] ["[]" ""] ["[^]" ""] ["[z-a]" ""] ["[a&&" ""] ["\\y" ""] ["[\\y]" ""] ["\\p{Foo}" ""] ["\\p{L" ""] ["\\u12" ""] ["\\xg" ""] ["(?z)" ""] ["(?<1a>b)" ""] ["(?<a>b)(?<a>c)" ""] ["\\k<x>" ""] ["(?P<a>b)" ""] ["(?#c)a" ""] ["(?|a)" ""] ["(?R)" ""] ["(?1)" ""] ["(*FAIL)" ""] ["a(?" ""] ["(?:" ""] ["\\08" ""] ["a+++" ""] ["|*" ""] ["(*a)" ""] ["(?i)*" ""]])
(binding [*out* (java.io.OutputStreamWriter. (java.io.FileOutputStream. "regex_oracle.txt") "UTF-8")]
  (doseq [[p s] cases]
    (println (str/join "\t" (map esc (concat [p s] (try ["ok" (all p s)] (catch Throwable t ["err" (.getMessage t)])))))))
  (flush))
