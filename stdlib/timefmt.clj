;; timefmt.clj - texts of java.time: DateTimeFormatter by pattern and by name, to text and back, English names; durations and periods.
;; The rules of prelude.clj hold.
;;
;; A formatter is a host object of [its own text, {:tokens :zone :strict}]. Tokens: "literal", [letter count], [:optional tokens],
;; [:fraction] (the nanoseconds, as many digits as there are), [:instant].

(ns breyta.timefmt)

(def class-name "The class of formatters." "java.time.format.DateTimeFormatter")

(defn formatter
  "A formatter."
  [text tokens strict zone]
  (breyta.host/make :object 0 0 0 [text {:tokens tokens :strict strict :zone zone}] class-name))

(defn parts
  "{:tokens :zone :strict} of a formatter."
  [fmt]
  (if (= (str (.getName (class fmt))) class-name)
    ((breyta.host/x fmt) 1)
    (throw (new ClassCastException (str "class " (.getName (class fmt)) " cannot be cast to class " class-name)))))

(defn zone-of
  "The zone of a formatter, or nil."
  [fmt]
  (:zone (parts fmt)))

;; ---- patterns ----

(def longest
  "The greatest count of the letters that have one."
  {\d 2 \h 2 \H 2 \k 2 \K 2 \m 2 \s 2 \D 3 \M 5 \L 5 \E 5 \e 5 \c 5 \Q 5 \q 5 \a 1 \S 9 \X 5 \x 5 \Z 5 \G 5 \F 1})

(defn tokens-of
  "[tokens rest] of the characters of a pattern, up to a ] or the end."
  [s depth pattern]
  (loop [s s, out []]
    (let [c (first s)]
      (cond
        (nil? c) (if (zero? depth) [out nil] [out nil])
        (= c \]) (if (zero? depth)
                   (throw (new IllegalArgumentException "Pattern invalid as it contains ] without previous ["))
                   [out (rest s)])
        (= c \[) (let [[inner more] (tokens-of (rest s) (inc depth) pattern)]
                   (recur more (conj out [:optional inner])))
        (= c \') (let [[text more] (loop [s (rest s), text ""]
                                     (cond
                                       (empty? s) (throw (new IllegalArgumentException (str "Pattern ends with an incomplete string literal: " pattern)))
                                       (and (= (first s) \') (= (second s) \')) (recur (nnext s) (str text \'))
                                       (= (first s) \') [text (rest s)]
                                       :else (recur (rest s) (str text (first s)))))]
                   (recur more (conj out (if (= text "") "'" text))))
        (Character/isLetter c) (let [n (count (take-while #{c} s))]
                                 (cond
                                   (not (re-find #"[GuyMLdDHhKkmsSnNAaEecQqXxZVOz]" (str c)))
                                   (throw (new IllegalArgumentException (str "Unknown pattern letter: " c)))
                                   (or (> n (longest c 19)) (and (= c \V) (odd? n)))
                                   (throw (new IllegalArgumentException (str (if (= c \V) "Pattern letter count must be 2: " "Too many pattern letters: ") c)))
                                   :else (recur (drop n s) (conj out [c n]))))
        (#{\{ \} \#} c) (throw (new IllegalArgumentException (str "Pattern includes reserved character: '" c "'")))
        :else (recur (rest s) (conj out (str c)))))))

(defn pattern
  "The formatter of a pattern.
  (.format (breyta.timefmt/pattern \"d MMM uuuu\") (java.time.LocalDate/of 2020 2 3)) ;=> \"3 Feb 2020\""
  [s]
  (formatter s ((tokens-of s 0 s) 0) false nil))

(defn named
  "A formatter that DateTimeFormatter has as a constant."
  [name]
  (let [date [[\u 4] "-" [\M 2] "-" [\d 2]]
        time [[\H 2] ":" [\m 2] [:optional [":" [\s 2] [:fraction]]]]
        local (into (conj date "T") time)
        offset [[\X 5]]
        zone [:optional ["[" [\V 2] "]"]]]
    (formatter name
               (case name
                 "ISO_LOCAL_DATE" date
                 "ISO_DATE" (conj date [:optional offset])
                 "ISO_OFFSET_DATE" (into date offset)
                 "ISO_LOCAL_TIME" time
                 "ISO_TIME" (conj time [:optional offset])
                 "ISO_OFFSET_TIME" (into time offset)
                 "ISO_LOCAL_DATE_TIME" local
                 "ISO_OFFSET_DATE_TIME" (into local offset)
                 "ISO_ZONED_DATE_TIME" (conj (into local offset) zone)
                 "ISO_DATE_TIME" (conj local [:optional (conj offset zone)])
                 "ISO_INSTANT" [[:instant]]
                 "ISO_ORDINAL_DATE" [[\u 4] "-" [\D 3]]
                 "BASIC_ISO_DATE" [[\u 4] [\M 2] [\d 2] [:optional [[\X 2]]]]
                 "RFC_1123_DATE_TIME" [[\E 3] ", " [\d 1] " " [\M 3] " " [\u 4] " " [\H 2] ":" [\m 2] ":" [\s 2] " " [:gmt]])
               true
               (when (= name "ISO_INSTANT") nil))))

;; ---- to text ----

(defn pad
  "n with zeros in front, at least w digits."
  [n w]
  (let [s (str (abs n))]
    (str (when (neg? n) "-") (apply str (repeat (- w (count s)) "0")) s)))

(defn offset-text
  "Seconds as an offset: hours, minutes and seconds as `style` says, with `colon` between."
  [secs zero style colon]
  (if (and (zero? secs) zero)
    zero
    (let [a (abs secs)
          h (quot a 3600) m (rem (quot a 60) 60) s (rem a 60)]
      (str (if (neg? secs) "-" "+") (pad h 2)
           (when (or (not= style :short) (pos? m)) (str colon (pad m 2)))
           (when (and (= style :long) (pos? s)) (str colon (pad s 2)))))))

(def number-fields
  "The fields of letters that print as numbers."
  {\d "DayOfMonth" \D "DayOfYear" \H "HourOfDay" \h "ClockHourOfAmPm" \k "ClockHourOfDay" \K "HourOfAmPm" \m "MinuteOfHour"
   \s "SecondOfMinute" \n "NanoOfSecond" \N "NanoOfDay" \A "MilliOfDay"})

(defn year-text
  "A year with n letters."
  [y n]
  (cond
    (= n 2) (pad (mod y 100) 2)
    (< n 4) (pad y n)
    :else (str (when (> y (dec (long (Math/pow 10 n)))) "+") (pad y n))))

(defn name-text
  "A name in the length that n letters ask for."
  [full n]
  (case n 4 full 5 (subs full 0 1) (subs full 0 3)))

(defn letter-text
  "The text of one letter, n times, for x."
  [x c n]
  (let [field (fn [f] (breyta.time/field x f))]
    (if-let [f (number-fields c)]
      (pad (field f) n)
      (case c
        \u (year-text (field "Year") n)
        \y (year-text (field "YearOfEra") n)
        (\M \L) (let [m (field "MonthOfYear")] (if (< n 3) (pad m n) (name-text (breyta.time/month-names (dec m)) n)))
        \E (name-text (breyta.time/day-names (dec (field "DayOfWeek"))) n)
        (\e \c) (let [d (field "DayOfWeek")] (if (< n 3) (pad (inc (mod d 7)) n) (name-text (breyta.time/day-names (dec d)) n)))
        (\Q \q) (let [q (inc (quot (dec (field "MonthOfYear")) 3))]
                  (case n (1 2) (pad q n) 3 (str "Q" q) 4 (str q (["st" "nd" "rd" "th"] (dec q)) " quarter") (str q)))
        \S (subs (pad (field "NanoOfSecond") 9) 0 n)
        \a (if (zero? (field "AmPmOfDay")) "AM" "PM")
        \G (let [ad? (= 1 (field "Era"))] (case n 4 (if ad? "Anno Domini" "Before Christ") 5 (if ad? "A" "B") (if ad? "AD" "BC")))
        \X (offset-text (field "OffsetSeconds") "Z" (case n 1 :short (2 3) :middle :long) (if (odd? n) (if (= n 1) "" ":") ""))
        \x (offset-text (field "OffsetSeconds") nil (case n 1 :short (2 3) :middle :long) (if (odd? n) (if (= n 1) "" ":") ""))
        \Z (let [o (field "OffsetSeconds")]
             (case n
               4 (str "GMT" (when-not (zero? o) (offset-text o nil :middle ":")))
               5 (offset-text o "Z" :long ":")
               (offset-text o nil :middle "")))
        \O (let [o (field "OffsetSeconds")
                 m (rem (quot (abs o) 60) 60)]
             (str "GMT" (when-not (zero? o)
                          (if (= n 4)
                            (offset-text o nil :middle ":")
                            (str (if (neg? o) "-" "+") (quot (abs o) 3600) (when (pos? m) (str ":" (pad m 2))))))))
        \V (if (#{:zoned :offset-dt} (breyta.time/k x))
             (str (breyta.time/zone-of x))
             (breyta.host/fail :date (str "Unable to extract ZoneId from temporal " x)))
        \z (case (breyta.time/k x)
             :zoned (let [id (str (breyta.time/zone-of x))]
                      (if (#{"UTC" "GMT" "Z"} id)
                        id
                        (throw (new UnsupportedOperationException (str "Short names of zones such as " id " are not known here: use VV for its id or xxx for the offset")))))
             (breyta.host/fail :date (str "Unable to extract ZoneId from temporal " x)))))))

(defn fraction-text
  "The nanoseconds behind a point, without zeros at the end."
  [x]
  (let [n (breyta.time/field x "NanoOfSecond")]
    (when (pos? n)
      (str "." (clojure.string/replace (pad n 9) #"0+$" "")))))

(defn tokens-text
  "The text of tokens for x."
  [x tokens]
  (apply str
         (map (fn [t]
                (cond
                  (string? t) t
                  (= (first t) :optional) (try
                                            (tokens-text x (second t))
                                            (catch java.time.DateTimeException e nil))
                  (= (first t) :fraction) (fraction-text x)
                  (= (first t) :instant) (str (breyta.time/from :instant x))
                  (= (first t) :gmt) (let [o (breyta.time/field x "OffsetSeconds")] (offset-text o "GMT" :middle ""))
                  :else (letter-text x (first t) (second t))))
              tokens)))

(defn format-with
  "The text of x by a formatter."
  [fmt x]
  (let [{:keys [tokens zone]} (parts fmt)
        x (if (and zone (breyta.time/second-of x)) (breyta.time/in-zone (breyta.time/from :instant x) zone) x)]
    (tokens-text x tokens)))

;; ---- from text ----

(defn digits-at
  "How many digits stand at i, at most `most`."
  [s i most]
  (loop [n 0]
    (if (and (< n most) (< (+ i n) (count s)) (Character/isDigit (nth s (+ i n))))
      (recur (inc n))
      n)))

(defn width
  "[least most] digits of a token that is a number, else nil."
  [[c n :as t]]
  (when (char? c)
    (case c
      (\u \y) (if (= n 2) [2 2] [n (if (= n 1) 19 (max n 4))])
      (\M \L \e \c \Q \q) (when (< n 3) (if (= n 1) [1 19] [2 2]))
      (\n \N \A) [n 19]
      \S [n n]
      (if (number-fields c) (if (= n 1) [1 19] [n n]) nil))))

(defn reserved
  "Digits that the tokens behind need, which follow without anything between."
  [tokens]
  (reduce + (map (fn [t] ((width t) 0)) (take-while (fn [t] (and (vector? t) (width t))) tokens))))

(defn match-name
  "[index length] of the first of names that stands at i."
  [s i names]
  (first (keep-indexed (fn [k n] (when (clojure.string/starts-with? (subs s i) n) [k (count n)])) names)))

(defn parse-offset-at
  "[end seconds] of an offset at i, or nil."
  [s i zero colon]
  (let [text (subs s i)]
    (if (and zero (clojure.string/starts-with? text zero))
      [(+ i (count zero)) 0]
      (when-let [[all sign h m sec] (if (= colon ":")
                                      (re-find #"^([+-])(\d\d)(?::(\d\d)(?::(\d\d))?)?" text)
                                      (re-find #"^([+-])(\d\d)(?:(\d\d)(\d\d)?)?" text))]
        (let [number (fn [x] (if x (Long/parseLong x) 0))]
          [(+ i (count all)) (* (if (= sign "-") -1 1) (+ (* 3600 (number h)) (* 60 (number m)) (number sec)))])))))

(defn put-field
  "The fields with one more; nil when it contradicts."
  [fields k v]
  (if (and (contains? fields k) (not= v (get fields k)))
    nil
    (assoc fields k v)))

(defn parse-letter
  "[end fields] behind one letter at i, or nil."
  [s i c n more fields]
  (let [named (fn [k names base]
                (when-let [[at len] (match-name s i names)]
                  [(+ i len) (put-field fields k (+ at base))]))]
    (if-let [[least most] (width [c n])]
      (let [sign (when (and (#{\u \y} c) (< i (count s))) (#{\- \+} (nth s i)))
            from (if sign (inc i) i)
            most (if (and (#{\u \y} c) (>= n 4)) (if (= sign \+) 19 n) most)
            have (digits-at s from 19)
            take-n (min most (max least (- have (reserved more))))]
        (when (and (>= have take-n least) (pos? take-n))
          (let [v (Long/parseLong (subs s from (+ from take-n)))
                v (if (= sign \-) (- v) v)
                f (case c
                    \u "Year" \y "YearOfEra" (\M \L) "MonthOfYear" \S "NanoOfSecond" (\Q \q) "Quarter" (\e \c) "LocalDay"
                    (number-fields c))
                v (cond
                    (= c \S) (* v (long (Math/pow 10 (- 9 n))))
                    (and (#{\u \y} c) (= n 2)) (+ 2000 v)
                    :else v)]
            (when-let [fields (put-field fields f v)]
              [(+ from take-n) fields]))))
      (case c
        (\M \L) (named "MonthOfYear" (map (fn [x] (name-text x n)) breyta.time/month-names) 1)
        (\E \e \c) (named "DayOfWeek" (map (fn [x] (name-text x (max n 3))) breyta.time/day-names) 1)
        \a (named "AmPmOfDay" ["AM" "PM"] 0)
        \G (named "Era" (case n 4 ["Before Christ" "Anno Domini"] ["BC" "AD"]) 0)
        (\X \x \Z) (when-let [[end secs] (parse-offset-at s i (when (or (= c \X) (= [c n] [\Z 5])) "Z") (if (or (and (not= c \Z) (> n 1) (odd? n)) (= [c n] [\Z 5])) ":" ""))]
                     (when-let [fields (put-field fields "OffsetSeconds" secs)]
                       [end fields]))
        (\V \z) (when-let [id (re-find #"^[A-Za-z0-9/_+:-]+" (subs s i))]
                  [(+ i (count id)) (assoc fields :zone (breyta.time/zone id))])
        \O (when (clojure.string/starts-with? (subs s i) "GMT")
             (or (parse-offset-at s (+ i 3) nil ":") [(+ i 3) (put-field fields "OffsetSeconds" 0)]))
        nil))))

(defn parse-tokens
  "[end fields] behind the tokens at i, or the index where it went wrong."
  [s i tokens fields]
  (if-let [[t & more] (seq tokens)]
    (let [fits (cond
                 (string? t) (when (clojure.string/starts-with? (subs s i) t) [(+ i (count t)) fields])
                 (= (first t) :optional) (let [r (parse-tokens s i (second t) fields)]
                                           (if (vector? r) r [i fields]))
                 (= (first t) :fraction) (if (and (< (inc i) (count s)) (= \. (nth s i)))
                                           (let [n (digits-at s (inc i) 9)]
                                             (when (pos? n)
                                               [(+ i 1 n) (assoc fields "NanoOfSecond" (* (Long/parseLong (subs s (inc i) (+ i 1 n))) (long (Math/pow 10 (- 9 n)))))]))
                                           [i fields])
                 (= (first t) :gmt) (if (clojure.string/starts-with? (subs s i) "GMT")
                                      [(+ i 3) (put-field fields "OffsetSeconds" 0)]
                                      (when-let [[end secs] (parse-offset-at s i nil "")] [end (put-field fields "OffsetSeconds" secs)]))
                 (= (first t) :instant) (let [r (parse-tokens s i [[\u 4] "-" [\M 2] "-" [\d 2] "T" [\H 2] ":" [\m 2] ":" [\s 2] [:fraction] [\X 5]] fields)]
                                          r)
                 :else (parse-letter s i (first t) (second t) more fields))]
      (cond
        (nil? fits) i
        (vector? fits) (recur s (fits 0) more (fits 1))
        :else fits))
    [i fields]))

(defn resolve-date
  "The day since 1970 that fields say, or nil."
  [fields strict]
  (let [y (or (get fields "Year")
              (when-let [y (get fields "YearOfEra")]
                (if (= 0 (get fields "Era")) (- 1 y) y)))
        m (get fields "MonthOfYear")
        d (get fields "DayOfMonth")
        yd (get fields "DayOfYear")]
    (cond
      (and y m d) (do (breyta.time/checked "MonthOfYear" 1 12 m)
                      (when-not (<= 1 d 31)
                        (breyta.host/fail :date (str "Invalid value for DayOfMonth (valid values 1 - 28/31): " d)))
                      (breyta.time/day-of y m (if strict d (min d (breyta.time/month-length y m)))))
      (and y yd) (+ (breyta.host/epoch-day y 1 1) (dec (breyta.time/checked "DayOfYear" 1 (if (breyta.time/leap? y) 366 365) yd)))
      :else nil)))

(defn resolve-time
  "Nanoseconds of the day that fields say, or nil. 24:00 is not the end of a day here."
  [fields]
  (let [half (get fields "AmPmOfDay")
        h (or (get fields "HourOfDay")
              (when-let [h (get fields "ClockHourOfDay")] (mod (breyta.time/checked "ClockHourOfDay" 1 24 h) 24))
              (when half
                (when-let [h (or (when-let [h (get fields "ClockHourOfAmPm")] (mod (breyta.time/checked "ClockHourOfAmPm" 1 12 h) 12))
                                 (get fields "HourOfAmPm"))]
                  (+ h (* 12 half)))))]
    (cond
      (get fields "NanoOfDay") (get fields "NanoOfDay")
      (get fields "MilliOfDay") (* 1000000 (get fields "MilliOfDay"))
      h (breyta.time/nanos-of h (get fields "MinuteOfHour" 0) (get fields "SecondOfMinute" 0) (get fields "NanoOfSecond" 0))
      :else nil)))

(defn resolved
  "{:day :nod :offset :zone} of the fields of a text, checked."
  [fields strict]
  (let [d (resolve-date fields strict)
        week-day (get fields "DayOfWeek")]
    (when (and d week-day (not= week-day (breyta.time/week-day d)))
      (breyta.host/fail :date (str "Conflict found: Field DayOfWeek " (breyta.time/week-day d) " differs from DayOfWeek " week-day " derived from " (breyta.time/date d))))
    {:day d :nod (resolve-time fields) :offset (get fields "OffsetSeconds") :zone (:zone fields)
     :ym (let [y (or (get fields "Year") (get fields "YearOfEra")) m (get fields "MonthOfYear")] (when (and y m) (+ (* 12 y) (dec (breyta.time/checked "MonthOfYear" 1 12 m)))))}))

(defn as-kind
  "What a resolved text is as a value of a kind, or nil."
  [kind {:keys [day nod offset zone ym]} fmt-zone]
  (let [zone (or zone fmt-zone)
        local? (and day nod)
        second (when (and local? offset) (- (+ (* 86400 day) (quot nod 1000000000)) offset))]
    (case kind
      :date (when day (breyta.time/date day))
      :time (when nod (breyta.time/time nod))
      :datetime (when local? (breyta.time/datetime day nod))
      :offset-dt (when second (breyta.time/offset-dt second (mod nod 1000000000) offset))
      :zoned (cond
               (and second zone) (breyta.time/zoned second (mod nod 1000000000) zone)
               second (breyta.time/zoned second (mod nod 1000000000) (breyta.time/offset offset))
               (and local? zone) (breyta.time/zoned-local zone day nod)
               :else nil)
      :instant (cond
                 second (breyta.time/instant second (mod nod 1000000000))
                 (and local? zone) (breyta.time/from :instant (breyta.time/zoned-local zone day nod))
                 :else nil)
      :year-month (when ym (breyta.host/make :year-month ym 0 0)))))

(defn shown
  "A text as error messages show it."
  [s]
  (if (> (count s) 64) (str (subs s 0 64) "...") s))

(defn parse-fields
  "The resolved fields of a text; errors as DateTimeFormatter.parse has them."
  [s fmt]
  (when (nil? s)
    (throw (new NullPointerException "text")))
  (let [s (str s)
        {:keys [tokens strict]} (parts fmt)
        r (parse-tokens s 0 tokens {})]
    (cond
      (not (vector? r)) (breyta.host/fail :parse (str "Text '" (shown s) "' could not be parsed at index " r))
      (< (r 0) (count s)) (breyta.host/fail :parse (str "Text '" (shown s) "' could not be parsed, unparsed text found at index " (r 0)))
      :else (try
              (resolved (r 1) strict)
              (catch java.time.DateTimeException e
                (when (= tokens [[:instant]])
                  (breyta.host/fail :parse (str "Text '" (shown s) "' could not be parsed at index 0")))
                (breyta.host/fail :parse (str "Text '" (shown s) "' could not be parsed: " (ex-message e))))))))

(defn parse-as
  "A text as a value of a kind."
  [kind s fmt]
  (let [fields (parse-fields s fmt)]
    (or (as-kind kind fields (zone-of fmt))
        (breyta.host/fail :parse (str "Text '" (shown (str s)) "' could not be parsed: Unable to obtain " (breyta.time/kind-name kind)
                                      " from TemporalAccessor")))))

(defn parse-best
  "A text as what it says most of: a zoned date and time, one with an offset, a local one, a date or a time."
  [s fmt]
  (let [fields (parse-fields s fmt)]
    (or (when (:zone fields) (as-kind :zoned fields nil))
        (some (fn [kind] (as-kind kind fields (zone-of fmt))) [:offset-dt :datetime :date :time :year-month])
        (breyta.host/fail :parse (str "Text '" (shown (str s)) "' says neither a date nor a time")))))

(defn parse-duration
  "The Duration of ISO text."
  [s]
  (let [[_ sign d time h m sec fraction]
        (re-matches #"(?i)([-+]?)P(?:([-+]?\d+)D)?(T(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?\d+)(?:[.,](\d{0,9}))?S)?)?" s)
        number (fn [x by] (if x (*' by (Long/parseLong x)) 0))]
    (if (or (nil? sign) (and (nil? d) (nil? time)) (= (clojure.string/upper-case (or time "")) "T"))
      (breyta.host/fail :parse "Text cannot be parsed to a Duration")
      (let [nanos (if (seq fraction) (Long/parseLong (subs (str fraction "000000000") 0 9)) 0)
            nanos (if (and sec (clojure.string/starts-with? sec "-")) (- nanos) nanos)
            total (+' (*' 1000000000 (+' (number d 86400) (number h 3600) (number m 60) (number sec 1))) nanos)]
        (breyta.time/nanos-duration (if (= sign "-") (-' total) total))))))

(defn parse-period
  "The Period of ISO text."
  [s]
  (let [[_ sign y m w d] (re-matches #"(?i)([-+]?)P(?:([-+]?\d+)Y)?(?:([-+]?\d+)M)?(?:([-+]?\d+)W)?(?:([-+]?\d+)D)?" s)
        number (fn [x] (if x (* (if (= sign "-") -1 1) (Long/parseLong x)) 0))]
    (if (or (nil? sign) (not (or y m w d)))
      (breyta.host/fail :parse "Text cannot be parsed to a Period")
      (breyta.time/period (number y) (number m) (+ (* 7 (number w)) (number d))))))

(ns breyta.method)

(defn format
  "(.format x formatter) or (.format formatter x)"
  [x y]
  (case (breyta.time/k x)
    nil (breyta.host/none "format" 1 x)
    :object (breyta.timefmt/format-with x y)
    (breyta.timefmt/format-with y x)))
(defn parse "(.parse formatter text)" [fmt s] (breyta.timefmt/parse-best s fmt))
(defn withZone
  "(.withZone formatter zone)"
  [fmt zone]
  (let [{:keys [tokens strict]} (breyta.timefmt/parts fmt)]
    (breyta.timefmt/formatter (str fmt) tokens strict zone)))
(defn withLocale "(.withLocale formatter locale): names are English whatever it says" [fmt locale] fmt)
(defn withResolverStyle
  "(.withResolverStyle formatter style)"
  [fmt style]
  (let [{:keys [tokens zone]} (breyta.timefmt/parts fmt)]
    (breyta.timefmt/formatter (str fmt) tokens (= (str style) "STRICT") zone)))

(ns DateTimeFormatter)
(defn ofPattern
  "The formatter of a pattern; names are English.
  (.format (java.time.LocalDate/of 2020 2 3) (java.time.format.DateTimeFormatter/ofPattern \"EEEE d.M.yy\")) ;=> \"Monday 3.2.20\"
  (str (java.time.LocalDate/parse \"03/02/2020\" (java.time.format.DateTimeFormatter/ofPattern \"dd/MM/yyyy\"))) ;=> \"2020-02-03\"
  (java.time.format.DateTimeFormatter/ofPattern \"b\") ;!> argument"
  ([s] (breyta.timefmt/pattern s))
  ([s locale] (breyta.timefmt/pattern s)))
(def ISO_LOCAL_DATE "2020-01-02" (breyta.timefmt/named "ISO_LOCAL_DATE"))
(def ISO_DATE "2020-01-02[+01:00]" (breyta.timefmt/named "ISO_DATE"))
(def ISO_OFFSET_DATE "2020-01-02+01:00" (breyta.timefmt/named "ISO_OFFSET_DATE"))
(def ISO_LOCAL_TIME "03:04:05.678" (breyta.timefmt/named "ISO_LOCAL_TIME"))
(def ISO_TIME "03:04:05[+01:00]" (breyta.timefmt/named "ISO_TIME"))
(def ISO_OFFSET_TIME "03:04:05+01:00" (breyta.timefmt/named "ISO_OFFSET_TIME"))
(def ISO_LOCAL_DATE_TIME "2020-01-02T03:04:05" (breyta.timefmt/named "ISO_LOCAL_DATE_TIME"))
(def ISO_OFFSET_DATE_TIME "2020-01-02T03:04:05+01:00" (breyta.timefmt/named "ISO_OFFSET_DATE_TIME"))
(def ISO_ZONED_DATE_TIME "2020-01-02T03:04:05+01:00[Europe/Paris]" (breyta.timefmt/named "ISO_ZONED_DATE_TIME"))
(def ISO_DATE_TIME "2020-01-02T03:04:05[+01:00[Europe/Paris]]" (breyta.timefmt/named "ISO_DATE_TIME"))
(def ISO_INSTANT "2020-01-02T03:04:05Z" (breyta.timefmt/named "ISO_INSTANT"))
(def ISO_ORDINAL_DATE "2020-002" (breyta.timefmt/named "ISO_ORDINAL_DATE"))
(def BASIC_ISO_DATE "20200102" (breyta.timefmt/named "BASIC_ISO_DATE"))
(def RFC_1123_DATE_TIME "Thu, 2 Jan 2020 03:04:05 GMT" (breyta.timefmt/named "RFC_1123_DATE_TIME"))
