;; timeclasses.clj - the static methods and constants of the classes of java.time, see time.clj. The rules of prelude.clj hold.

(ns Instant)
(def EPOCH "1970-01-01T00:00:00Z" (breyta.time/instant 0 0))
(def MIN "The first Instant." (breyta.time/instant -31557014167219200 0))
(def MAX "The last Instant." (breyta.time/instant 31556889864403199 999999999))
(defn now "(Instant/now)" ([] (breyta.time/now)) ([clock] (breyta.time/now)))
(defn ofEpochMilli
  "The Instant of milliseconds since 1970.
  (str (java.time.Instant/ofEpochMilli 1500)) ;=> \"1970-01-01T00:00:01.500Z\""
  [ms]
  (breyta.time/instant (Math/floorDiv ms 1000) (* 1000000 (Math/floorMod ms 1000))))
(defn ofEpochSecond "(Instant/ofEpochSecond s) (Instant/ofEpochSecond s nanos)" ([s] (breyta.time/instant (long s) 0)) ([s n] (breyta.time/instant (long s) (long n))))
(defn parse
  "The Instant of ISO-8601 text.
  (str (java.time.Instant/parse \"2020-01-02T03:04:05.060Z\")) ;=> \"2020-01-02T03:04:05.060Z\"
  (java.time.Instant/parse \"x\") ;!> argument"
  [s]
  (breyta.timefmt/parse-as :instant s (breyta.timefmt/named "ISO_INSTANT")))
(defn from "(Instant/from x)" [x] (breyta.time/from :instant x))

(ns Duration)
(def ZERO "PT0S" (breyta.time/duration 0 0))
(defn ofDays "(Duration/ofDays n)" [n] (breyta.time/duration (* 86400 n) 0))
(defn ofHours
  "The Duration of hours.
  (str (java.time.Duration/ofHours 30)) ;=> \"PT30H\""
  [n]
  (breyta.time/duration (* 3600 n) 0))
(defn ofMinutes "(Duration/ofMinutes n)" [n] (breyta.time/duration (* 60 n) 0))
(defn ofSeconds "(Duration/ofSeconds n) (Duration/ofSeconds n nanos)" ([n] (breyta.time/duration n 0)) ([n nanos] (breyta.time/duration n nanos)))
(defn ofMillis "(Duration/ofMillis n)" [n] (breyta.time/nanos-duration (*' 1000000 n)))
(defn ofNanos "(Duration/ofNanos n)" [n] (breyta.time/nanos-duration n))
(defn of "(Duration/of n unit)" [n unit] (breyta.time/add (breyta.time/duration 0 0) n (breyta.time/unit-name unit)))
(defn between
  "The Duration from one moment to another.
  (str (java.time.Duration/between (java.time.Instant/ofEpochSecond 0) (java.time.Instant/ofEpochSecond 90))) ;=> \"PT1M30S\""
  [x y]
  (when (= :date (breyta.host/kind x))
    (breyta.time/unsupported "unit" "Seconds"))
  (breyta.time/nanos-duration (breyta.time/until x y "Nanos")))
(defn parse
  "The Duration of text such as PT1H30M.
  (.toMinutes (java.time.Duration/parse \"PT1H30M\")) ;=> 90"
  [s]
  (breyta.timefmt/parse-duration s))

(ns Period)
(def ZERO "P0D" (breyta.time/period 0 0 0))
(defn of "(Period/of years months days)" [y m d] (breyta.time/period y m d))
(defn ofDays "(Period/ofDays n)" [n] (breyta.time/period 0 0 n))
(defn ofWeeks "(Period/ofWeeks n)" [n] (breyta.time/period 0 0 (* 7 n)))
(defn ofMonths "(Period/ofMonths n)" [n] (breyta.time/period 0 n 0))
(defn ofYears "(Period/ofYears n)" [n] (breyta.time/period n 0 0))
(defn between
  "The Period from one date to another.
  (str (java.time.Period/between (java.time.LocalDate/of 2020 1 31) (java.time.LocalDate/of 2021 3 1))) ;=> \"P1Y1M1D\""
  [x y]
  (breyta.method/until x y))
(defn parse "(Period/parse \"P1Y2M3D\")" [s] (breyta.timefmt/parse-period s))

(ns LocalDate)
(def EPOCH "1970-01-01" (breyta.time/date 0))
(def MIN "The first date." (breyta.time/date -365243219162))
(def MAX "The last date." (breyta.time/date 365241780471))
(defn now "(LocalDate/now) (LocalDate/now zone), UTC without one" ([] (now (breyta.time/utc))) ([zone] (breyta.time/from :date (breyta.time/in-zone (breyta.time/now) zone))))
(defn of
  "The date of year, month and day.
  (str (java.time.LocalDate/of 2020 2 29)) ;=> \"2020-02-29\"
  (java.time.LocalDate/of 2021 2 29) ;!> argument"
  [y m d]
  (breyta.time/date (breyta.time/day-of y m d)))
(defn ofEpochDay "(LocalDate/ofEpochDay n)" [n] (breyta.time/date n))
(defn ofYearDay "(LocalDate/ofYearDay year n)" [y n] (breyta.time/date (+ (breyta.host/epoch-day y 1 1) (dec (breyta.time/checked "DayOfYear" 1 (if (breyta.time/leap? y) 366 365) n)))))
(defn ofInstant "(LocalDate/ofInstant instant zone)" [x zone] (breyta.time/from :date (breyta.time/in-zone x zone)))
(defn parse
  "The date of text, ISO or by a formatter.
  (.getYear (java.time.LocalDate/parse \"2020-02-03\")) ;=> 2020"
  ([s] (parse s (breyta.timefmt/named "ISO_LOCAL_DATE")))
  ([s fmt] (breyta.timefmt/parse-as :date s fmt)))
(defn from "(LocalDate/from x)" [x] (breyta.time/from :date x))

(ns LocalTime)
(def MIDNIGHT "00:00" (breyta.time/time 0))
(def MIN "00:00" (breyta.time/time 0))
(def NOON "12:00" (breyta.time/time 43200000000000))
(def MAX "23:59:59.999999999" (breyta.time/time 86399999999999))
(defn now "(LocalTime/now) (LocalTime/now zone), UTC without one" ([] (now (breyta.time/utc))) ([zone] (breyta.time/from :time (breyta.time/in-zone (breyta.time/now) zone))))
(defn of
  "The time of hour, minute, second and nanosecond.
  (str (java.time.LocalTime/of 7 5)) ;=> \"07:05\""
  ([h m] (of h m 0 0))
  ([h m s] (of h m s 0))
  ([h m s n] (breyta.time/time (breyta.time/nanos-of h m s n))))
(defn ofSecondOfDay "(LocalTime/ofSecondOfDay n)" [n] (breyta.time/time (* 1000000000 (breyta.time/checked "SecondOfDay" 0 86399 n))))
(defn ofNanoOfDay "(LocalTime/ofNanoOfDay n)" [n] (breyta.time/time (breyta.time/checked "NanoOfDay" 0 86399999999999 n)))
(defn parse "(LocalTime/parse s) (LocalTime/parse s formatter)" ([s] (parse s (breyta.timefmt/named "ISO_LOCAL_TIME"))) ([s fmt] (breyta.timefmt/parse-as :time s fmt)))
(defn from "(LocalTime/from x)" [x] (breyta.time/from :time x))

(ns LocalDateTime)
(defn now "(LocalDateTime/now) (LocalDateTime/now zone), UTC without one" ([] (now (breyta.time/utc))) ([zone] (breyta.time/from :datetime (breyta.time/in-zone (breyta.time/now) zone))))
(defn of
  "The date and time of a date and a time, or of numbers from the year on.
  (str (java.time.LocalDateTime/of 2020 1 2 3 4)) ;=> \"2020-01-02T03:04\""
  ([d t] (breyta.time/datetime (breyta.time/day d) (breyta.time/nod t)))
  ([y mo d h m] (of y mo d h m 0 0))
  ([y mo d h m s] (of y mo d h m s 0))
  ([y mo d h m s n] (breyta.time/datetime (breyta.time/day-of y mo d) (breyta.time/nanos-of h m s n))))
(defn ofInstant "(LocalDateTime/ofInstant instant zone)" [x zone] (breyta.time/from :datetime (breyta.time/in-zone x zone)))
(defn ofEpochSecond "(LocalDateTime/ofEpochSecond s nanos offset)" [s n offset] (breyta.time/from :datetime (breyta.time/offset-dt s n (breyta.host/c offset))))
(defn parse "(LocalDateTime/parse s) (LocalDateTime/parse s formatter)" ([s] (parse s (breyta.timefmt/named "ISO_LOCAL_DATE_TIME"))) ([s fmt] (breyta.timefmt/parse-as :datetime s fmt)))
(defn from "(LocalDateTime/from x)" [x] (breyta.time/from :datetime x))

(ns ZonedDateTime)
(defn now "(ZonedDateTime/now) (ZonedDateTime/now zone), UTC without one" ([] (now (breyta.time/utc))) ([zone] (breyta.time/in-zone (breyta.time/now) zone)))
(defn of
  "A date and time in a zone.
  (str (java.time.ZonedDateTime/of 2020 7 1 12 0 0 0 (java.time.ZoneId/of \"Europe/Paris\"))) ;=> \"2020-07-01T12:00+02:00[Europe/Paris]\""
  ([ldt zone] (breyta.time/zoned-local zone (breyta.time/day ldt) (breyta.time/nod ldt)))
  ([d t zone] (breyta.time/zoned-local zone (breyta.time/day d) (breyta.time/nod t)))
  ([y mo d h m s n zone] (breyta.time/zoned-local zone (breyta.time/day-of y mo d) (breyta.time/nanos-of h m s n))))
(defn ofInstant "(ZonedDateTime/ofInstant instant zone)" [x zone] (breyta.time/in-zone x zone))
(defn parse "(ZonedDateTime/parse s) (ZonedDateTime/parse s formatter)" ([s] (parse s (breyta.timefmt/named "ISO_ZONED_DATE_TIME"))) ([s fmt] (breyta.timefmt/parse-as :zoned s fmt)))
(defn from "(ZonedDateTime/from x)" [x] (breyta.time/from :zoned x))

(ns OffsetDateTime)
(defn now "(OffsetDateTime/now) (OffsetDateTime/now zone), UTC without one" ([] (now (breyta.time/utc))) ([zone] (breyta.time/from :offset-dt (breyta.time/in-zone (breyta.time/now) zone))))
(defn of
  "A date and time with an offset.
  (str (java.time.OffsetDateTime/of 2020 7 1 12 0 0 0 java.time.ZoneOffset/UTC)) ;=> \"2020-07-01T12:00Z\""
  ([ldt offset] (breyta.method/atOffset ldt offset))
  ([d t offset] (breyta.method/atOffset (breyta.time/datetime (breyta.time/day d) (breyta.time/nod t)) offset))
  ([y mo d h m s n offset] (breyta.method/atOffset (LocalDateTime/of y mo d h m s n) offset)))
(defn ofInstant "(OffsetDateTime/ofInstant instant zone)" [x zone] (breyta.time/from :offset-dt (breyta.time/in-zone x zone)))
(defn parse "(OffsetDateTime/parse s) (OffsetDateTime/parse s formatter)" ([s] (parse s (breyta.timefmt/named "ISO_OFFSET_DATE_TIME"))) ([s fmt] (breyta.timefmt/parse-as :offset-dt s fmt)))
(defn from "(OffsetDateTime/from x)" [x] (breyta.time/from :offset-dt x))

(ns ZoneId)
(defn of
  "The zone of an id.
  (str (java.time.ZoneId/of \"Europe/Paris\")) ;=> \"Europe/Paris\"
  (java.time.ZoneId/of \"No/Zone\") ;!> argument"
  [id]
  (breyta.time/zone id))
(defn systemDefault "UTC: what runs here does not depend on the machine." [] (breyta.time/zone "UTC"))
(defn ofOffset "(ZoneId/ofOffset prefix offset)" [prefix offset] (breyta.time/zone (if (zero? (breyta.host/c offset)) prefix (str prefix offset))))

(ns ZoneOffset)
(def UTC "Z" (breyta.time/offset 0))
(def MIN "-18:00" (breyta.time/offset -64800))
(def MAX "+18:00" (breyta.time/offset 64800))
(defn of "(ZoneOffset/of \"+02:00\")" [id] (breyta.time/offset-id id))
(defn ofHours
  "(ZoneOffset/ofHours n)"
  [n]
  (if (<= -18 n 18)
    (breyta.time/offset (* 3600 n))
    (breyta.host/fail :date (str "Zone offset hours not in valid range: value " n " is not in the range -18 to 18"))))
(defn ofHoursMinutes "(ZoneOffset/ofHoursMinutes h m)" [h m] (breyta.time/offset (+ (* 3600 h) (* 60 m))))
(defn ofTotalSeconds "(ZoneOffset/ofTotalSeconds n)" [n] (breyta.time/offset n))

(ns Year)
(defn of "(Year/of n)" [n] (breyta.host/make :year (breyta.time/checked "Year" -999999999 999999999 n) 0 0))
(defn now "(Year/now)" [] (breyta.time/from :year (breyta.time/in-zone (breyta.time/now) (breyta.time/utc))))
(defn parse "(Year/parse s)" [s] (of (Long/parseLong s)))
(defn from "(Year/from x)" [x] (breyta.time/from :year x))
(defn isLeap "(Year/isLeap n)" [n] (breyta.time/leap? n))

(ns YearMonth)
(defn of "(YearMonth/of year month)" [y m] (breyta.host/make :year-month (+ (* 12 y) (dec (breyta.time/checked "MonthOfYear" 1 12 (breyta.time/number-of m)))) 0 0))
(defn now "(YearMonth/now)" ([] (now (breyta.time/utc))) ([zone] (breyta.time/from :year-month (breyta.time/in-zone (breyta.time/now) zone))))
(defn parse "(YearMonth/parse s)" ([s] (parse s (breyta.timefmt/pattern "uuuu-MM"))) ([s fmt] (breyta.timefmt/parse-as :year-month s fmt)))
(defn from "(YearMonth/from x)" [x] (breyta.time/from :year-month x))

(ns DayOfWeek)
(def MONDAY "1" (breyta.host/make :day 1 0 0))
(def TUESDAY "2" (breyta.host/make :day 2 0 0))
(def WEDNESDAY "3" (breyta.host/make :day 3 0 0))
(def THURSDAY "4" (breyta.host/make :day 4 0 0))
(def FRIDAY "5" (breyta.host/make :day 5 0 0))
(def SATURDAY "6" (breyta.host/make :day 6 0 0))
(def SUNDAY "7" (breyta.host/make :day 7 0 0))
(defn of "(DayOfWeek/of n)" [n] (if (<= 1 n 7) (breyta.host/make :day n 0 0) (breyta.host/fail :date (str "Invalid value for DayOfWeek: " n))))
(defn from "(DayOfWeek/from x)" [x] (breyta.time/from :day x))
(defn values "(DayOfWeek/values)" [] (into-array Object (map of (range 1 8))))
(defn valueOf "(DayOfWeek/valueOf \"MONDAY\")" [s] (breyta.time/constant :day (mapv clojure.string/upper-case breyta.time/day-names) s))

(ns Month)
(def JANUARY "1" (breyta.host/make :month 1 0 0))
(def FEBRUARY "2" (breyta.host/make :month 2 0 0))
(def MARCH "3" (breyta.host/make :month 3 0 0))
(def APRIL "4" (breyta.host/make :month 4 0 0))
(def MAY "5" (breyta.host/make :month 5 0 0))
(def JUNE "6" (breyta.host/make :month 6 0 0))
(def JULY "7" (breyta.host/make :month 7 0 0))
(def AUGUST "8" (breyta.host/make :month 8 0 0))
(def SEPTEMBER "9" (breyta.host/make :month 9 0 0))
(def OCTOBER "10" (breyta.host/make :month 10 0 0))
(def NOVEMBER "11" (breyta.host/make :month 11 0 0))
(def DECEMBER "12" (breyta.host/make :month 12 0 0))
(defn of "(Month/of n)" [n] (if (<= 1 n 12) (breyta.host/make :month n 0 0) (breyta.host/fail :date (str "Invalid value for MonthOfYear: " n))))
(defn from "(Month/from x)" [x] (breyta.time/from :month x))
(defn values "(Month/values)" [] (into-array Object (map of (range 1 13))))
(defn valueOf "(Month/valueOf \"JANUARY\")" [s] (breyta.time/constant :month (mapv clojure.string/upper-case breyta.time/month-names) s))

(ns ChronoUnit)
(def NANOS "Nanos" (breyta.host/make :unit 0 0 0))
(def MICROS "Micros" (breyta.host/make :unit 1 0 0))
(def MILLIS "Millis" (breyta.host/make :unit 2 0 0))
(def SECONDS "Seconds" (breyta.host/make :unit 3 0 0))
(def MINUTES "Minutes" (breyta.host/make :unit 4 0 0))
(def HOURS "Hours" (breyta.host/make :unit 5 0 0))
(def HALF_DAYS "HalfDays" (breyta.host/make :unit 6 0 0))
(def DAYS "Days" (breyta.host/make :unit 7 0 0))
(def WEEKS "Weeks" (breyta.host/make :unit 8 0 0))
(def MONTHS "Months" (breyta.host/make :unit 9 0 0))
(def YEARS "Years" (breyta.host/make :unit 10 0 0))
(def DECADES "Decades" (breyta.host/make :unit 11 0 0))
(def CENTURIES "Centuries" (breyta.host/make :unit 12 0 0))
(def MILLENNIA "Millennia" (breyta.host/make :unit 13 0 0))
(def ERAS "Eras" (breyta.host/make :unit 14 0 0))
(def FOREVER "Forever" (breyta.host/make :unit 15 0 0))
(defn valueOf "(ChronoUnit/valueOf \"DAYS\")" [s] (breyta.time/constant :unit (mapv (fn [i] (breyta.time/constant-name (breyta.host/make :unit i 0 0))) (range 16)) s))

(ns ChronoField)
(def NANO_OF_SECOND "NanoOfSecond" (breyta.host/make :field 0 0 0))
(def NANO_OF_DAY "NanoOfDay" (breyta.host/make :field 1 0 0))
(def MICRO_OF_SECOND "MicroOfSecond" (breyta.host/make :field 2 0 0))
(def MICRO_OF_DAY "MicroOfDay" (breyta.host/make :field 3 0 0))
(def MILLI_OF_SECOND "MilliOfSecond" (breyta.host/make :field 4 0 0))
(def MILLI_OF_DAY "MilliOfDay" (breyta.host/make :field 5 0 0))
(def SECOND_OF_MINUTE "SecondOfMinute" (breyta.host/make :field 6 0 0))
(def SECOND_OF_DAY "SecondOfDay" (breyta.host/make :field 7 0 0))
(def MINUTE_OF_HOUR "MinuteOfHour" (breyta.host/make :field 8 0 0))
(def MINUTE_OF_DAY "MinuteOfDay" (breyta.host/make :field 9 0 0))
(def HOUR_OF_AMPM "HourOfAmPm" (breyta.host/make :field 10 0 0))
(def CLOCK_HOUR_OF_AMPM "ClockHourOfAmPm" (breyta.host/make :field 11 0 0))
(def HOUR_OF_DAY "HourOfDay" (breyta.host/make :field 12 0 0))
(def CLOCK_HOUR_OF_DAY "ClockHourOfDay" (breyta.host/make :field 13 0 0))
(def AMPM_OF_DAY "AmPmOfDay" (breyta.host/make :field 14 0 0))
(def DAY_OF_WEEK "DayOfWeek" (breyta.host/make :field 15 0 0))
(def ALIGNED_DAY_OF_WEEK_IN_MONTH "AlignedDayOfWeekInMonth" (breyta.host/make :field 16 0 0))
(def ALIGNED_DAY_OF_WEEK_IN_YEAR "AlignedDayOfWeekInYear" (breyta.host/make :field 17 0 0))
(def DAY_OF_MONTH "DayOfMonth" (breyta.host/make :field 18 0 0))
(def DAY_OF_YEAR "DayOfYear" (breyta.host/make :field 19 0 0))
(def EPOCH_DAY "EpochDay" (breyta.host/make :field 20 0 0))
(def ALIGNED_WEEK_OF_MONTH "AlignedWeekOfMonth" (breyta.host/make :field 21 0 0))
(def ALIGNED_WEEK_OF_YEAR "AlignedWeekOfYear" (breyta.host/make :field 22 0 0))
(def MONTH_OF_YEAR "MonthOfYear" (breyta.host/make :field 23 0 0))
(def PROLEPTIC_MONTH "ProlepticMonth" (breyta.host/make :field 24 0 0))
(def YEAR_OF_ERA "YearOfEra" (breyta.host/make :field 25 0 0))
(def YEAR "Year" (breyta.host/make :field 26 0 0))
(def ERA "Era" (breyta.host/make :field 27 0 0))
(def INSTANT_SECONDS "InstantSeconds" (breyta.host/make :field 28 0 0))
(def OFFSET_SECONDS "OffsetSeconds" (breyta.host/make :field 29 0 0))

(ns TemporalAdjusters)
(defn firstDayOfMonth
  "The first day of the month.
  (str (.with (java.time.LocalDate/of 2020 2 15) (java.time.temporal.TemporalAdjusters/firstDayOfMonth))) ;=> \"2020-02-01\""
  []
  (breyta.time/adjuster :first-day-of-month))
(defn lastDayOfMonth "The last day of the month." [] (breyta.time/adjuster :last-day-of-month))
(defn firstDayOfNextMonth "The first day of the next month." [] (breyta.time/adjuster :first-day-of-next-month))
(defn firstDayOfYear "The first day of the year." [] (breyta.time/adjuster :first-day-of-year))
(defn lastDayOfYear "The last day of the year." [] (breyta.time/adjuster :last-day-of-year))
(defn firstDayOfNextYear "The first day of the next year." [] (breyta.time/adjuster :first-day-of-next-year))
(defn next "The next such day of the week." [d] (breyta.time/adjuster :next (breyta.host/a d)))
(defn nextOrSame "The next such day of the week, or today." [d] (breyta.time/adjuster :next-or-same (breyta.host/a d)))
(defn previous "The last such day of the week before." [d] (breyta.time/adjuster :previous (breyta.host/a d)))
(defn previousOrSame "The last such day of the week, or today." [d] (breyta.time/adjuster :previous-or-same (breyta.host/a d)))
(defn firstInMonth "The first such day of the week of the month." [d] (breyta.time/adjuster :day-of-week-in-month (breyta.host/a d) 1))
(defn lastInMonth "The last such day of the week of the month." [d] (breyta.time/adjuster :day-of-week-in-month (breyta.host/a d) -1))
(defn dayOfWeekInMonth "The n-th such day of the week of the month." [n d] (breyta.time/adjuster :day-of-week-in-month (breyta.host/a d) n))
