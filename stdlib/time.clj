;; time.clj - java.time: instants, durations, periods, dates, times, zones. What a value is made of says reader/host.h; methods are
;; the functions of breyta.method, statics those of a namespace with the name of the class. Texts in timefmt.clj. The rules of
;; prelude.clj hold.

(ns breyta.time)

(def nanos-per-day "Nanoseconds of a day." 86400000000000)
(def max-second "The last second an Instant can have." 31556889864403199)
(def min-second "The first one." -31557014167219200)

(defn k
  "The kind of x as a keyword; nil for what is no host value."
  [x]
  (breyta.host/kind x))

(defn unsupported
  "Throws: x has no such field or unit."
  [what name]
  (breyta.host/fail :unit (str "Unsupported " what ": " name)))

(defn checked
  "v if it lies between lo and hi, else a DateTimeException that names the field."
  [field lo hi v]
  (if (<= lo v hi)
    v
    (breyta.host/fail :date (str "Invalid value for " field " (valid values " lo " - " hi "): " v))))

;; ---- making ----

(defn instant
  "The Instant of seconds and any number of nanoseconds."
  [s n]
  (let [s (+' s (Math/floorDiv n 1000000000))]
    (if (<= min-second s max-second)
      (breyta.host/make :instant s (mod n 1000000000) 0)
      (breyta.host/fail :date "Instant exceeds minimum or maximum instant"))))

(defn duration
  "The Duration of seconds and any number of nanoseconds."
  [s n]
  (let [s (+' s (if (instance? clojure.lang.BigInt n) (bigint (quot (- n (mod n 1000000000)) 1000000000)) (Math/floorDiv n 1000000000)))]
    (if (<= Long/MIN_VALUE s Long/MAX_VALUE)
      (breyta.host/make :duration (long s) (long (mod n 1000000000)) 0)
      (breyta.host/fail :arithmetic "long overflow"))))

(defn nanos-duration
  "The Duration of a number of nanoseconds, of any size."
  [n]
  (duration (let [r (mod n 1000000000)] (quot (-' n r) 1000000000)) (long (mod n 1000000000))))

(defn period
  "The Period of years, months and days."
  [y m d]
  (breyta.host/make :period y m d))

(defn leap?
  "Is it a leap year?"
  [y]
  (and (zero? (mod y 4)) (or (pos? (mod y 100)) (zero? (mod y 400)))))

(defn month-length
  "The number of days of a month."
  [y m]
  (case m 2 (if (leap? y) 29 28) (4 6 9 11) 30 31))

(def month-names "January ..." ["January" "February" "March" "April" "May" "June" "July" "August" "September" "October" "November" "December"])
(def day-names "Monday ..." ["Monday" "Tuesday" "Wednesday" "Thursday" "Friday" "Saturday" "Sunday"])

(defn number-of
  "A month or day given as a number or a constant, as a number."
  [x]
  (if (k x) (breyta.host/a x) x))

(defn day-of
  "The day since 1970 of a date, checked."
  [y m d]
  (let [m (number-of m)]
    (checked "Year" -999999999 999999999 y)
    (checked "MonthOfYear" 1 12 m)
    (when-not (<= 1 d 31)
      (breyta.host/fail :date (str "Invalid value for DayOfMonth (valid values 1 - 28/31): " d)))
    (if (<= d (month-length y m))
      (breyta.host/epoch-day y m d)
      (breyta.host/fail :date (if (= d 29)
                                (str "Invalid date 'February 29' as '" y "' is not a leap year")
                                (str "Invalid date '" (clojure.string/upper-case (month-names (dec m))) " " d "'"))))))

(defn date
  "The LocalDate of a day since 1970."
  [day]
  (breyta.host/make :date day 0 0))

(defn nanos-of
  "Nanoseconds of the day, checked."
  [h m s n]
  (checked "HourOfDay" 0 23 h)
  (checked "MinuteOfHour" 0 59 m)
  (checked "SecondOfMinute" 0 59 s)
  (checked "NanoOfSecond" 0 999999999 n)
  (+ (* 1000000000 (+ (* 3600 h) (* 60 m) s)) n))

(defn time
  "The LocalTime of nanoseconds of the day."
  [nod]
  (breyta.host/make :time 0 nod 0))

(defn datetime
  "The LocalDateTime of a day and any number of nanoseconds from its beginning."
  [day nod]
  (breyta.host/make :datetime (+ day (Math/floorDiv nod nanos-per-day)) (Math/floorMod nod nanos-per-day) 0))

(defn offset
  "The ZoneOffset of seconds."
  [secs]
  (if (<= -64800 secs 64800)
    (breyta.host/make :offset 0 0 secs)
    (breyta.host/fail :date "Zone offset not in valid range: -18:00 to +18:00")))

(defn offset-of
  "Seconds of a zone's offset at an instant."
  [zone second]
  (if (= (k zone) :offset)
    (breyta.host/c zone)
    (breyta.host/offset-at (breyta.host/x zone) second)))

(defn zone-name
  "The id of a zone, nil of an offset."
  [zone]
  (when (= (k zone) :zone) (breyta.host/x zone)))

(defn zoned
  "The ZonedDateTime of an instant in a zone."
  [s n zone]
  (breyta.host/make :zoned s n (offset-of zone s) (zone-name zone)))

(defn resolve-local
  "[second offset] of a local time in a zone, as ZonedDateTime.ofLocal decides: in a gap the time moves on by its length, in an overlap
  the earlier instant counts, unless `prefer` is the offset of the later one."
  ([zone day nod] (resolve-local zone day nod nil))
  ([zone day nod prefer]
   (let [local (+ (* 86400 day) (quot nod 1000000000))
         before (offset-of zone (- local 86400))
         after (offset-of zone (+ local 86400))]
     (if (= before after)
       [(- local before) before]
       (let [fits (filterv (fn [o] (= o (offset-of zone (- local o)))) [before after])]
         (case (count fits)
           0 [(- local before) after]
           1 [(- local (fits 0)) (fits 0)]
           (let [o (if (= prefer after) after before)]
             [(- local o) o])))))))

(defn zoned-local
  "The ZonedDateTime of a local time in a zone."
  ([zone day nod] (zoned-local zone day nod nil))
  ([zone day nod prefer]
   (let [[s o] (resolve-local zone day nod prefer)]
     (breyta.host/make :zoned s (mod nod 1000000000) o (zone-name zone)))))

(defn offset-dt
  "The OffsetDateTime of an instant with an offset in seconds."
  [s n o]
  (breyta.host/make :offset-dt s n o))

(defn zone
  "The zone of an id; errors as ZoneId.of has them."
  [id]
  (cond
    (= id "Z") (offset 0)
    (re-find #"^[+-]" id) (breyta.time/offset-id id)
    (#{"UTC" "GMT" "UT"} id) (breyta.host/make :zone 0 0 0 id)
    (re-find #"^(UTC|GMT|UT)[+-]" id)
    (let [[_ prefix rest] (re-find #"^(UTC|GMT|UT)(.*)$" id)
          o (offset-id rest)]
      (breyta.host/make :zone 0 0 0 (if (zero? (breyta.host/c o)) prefix (str prefix o))))
    (not (re-matches #"[A-Za-z][A-Za-z0-9~/._+-]+" id))
    (breyta.host/fail :date (str "Invalid ID for region-based ZoneId, invalid format: " id))
    (nil? (breyta.host/offset-at id 0)) (breyta.host/fail :zone (str "Unknown time-zone ID: " id))
    :else (breyta.host/make :zone 0 0 0 id)))

(defn offset-id
  "The ZoneOffset of an id such as +02:00."
  [id]
  (let [[_ sign h m s] (or (re-matches #"([+-])(\d)" id)
                           (re-matches #"([+-])(\d\d)(?::?(\d\d)(?::?(\d\d))?)?" id))
        number (fn [x] (if x (Long/parseLong x) 0))]
    (cond
      (= id "Z") (offset 0)
      (nil? sign) (breyta.host/fail :date (str "Invalid ID for ZoneOffset, invalid format: " id))
      :else (offset (* (if (= sign "-") -1 1) (+ (* 3600 (number h)) (* 60 (number m)) (number s)))))))

(defn zone-of
  "The zone of a ZonedDateTime or OffsetDateTime."
  [x]
  (if-let [id (breyta.host/x x)]
    (breyta.host/make :zone 0 0 0 id)
    (offset (breyta.host/c x))))

;; ---- taking apart ----

(defn local-second
  "Seconds since 1970 on the local clock of x."
  [x]
  (+ (breyta.host/a x) (breyta.host/c x)))

(defn day
  "The day since 1970 of what has a date, else nil."
  [x]
  (case (k x)
    (:date :datetime) (breyta.host/a x)
    (:zoned :offset-dt) (Math/floorDiv (local-second x) 86400)
    nil))

(defn nod
  "Nanoseconds of the day of what has a time, else nil."
  [x]
  (case (k x)
    (:time :datetime) (breyta.host/b x)
    (:zoned :offset-dt) (+ (* 1000000000 (Math/floorMod (local-second x) 86400)) (breyta.host/b x))
    nil))

(defn second-of
  "Seconds since 1970 of what is an instant, else nil."
  [x]
  (case (k x)
    (:instant :zoned :offset-dt) (breyta.host/a x)
    nil))

(defn ymd
  "[year month day] of what has a date or a part of it."
  [x]
  (case (k x)
    :year [(breyta.host/a x) 1 1]
    :year-month [(Math/floorDiv (breyta.host/a x) 12) (inc (Math/floorMod (breyta.host/a x) 12)) 1]
    (when-let [d (day x)]
      (breyta.host/civil d))))

(defn rebuild
  "A value like x with another local day and time of day."
  [x d n]
  (case (k x)
    :date (date d)
    :time (breyta.time/time n)
    :datetime (datetime d n)
    :zoned (zoned-local (zone-of x) d n (breyta.host/c x))
    :offset-dt (offset-dt (- (+ (* 86400 d) (quot n 1000000000)) (breyta.host/c x)) (mod n 1000000000) (breyta.host/c x))))

(defn week-day
  "1 to 7, Monday first, of a day since 1970."
  [d]
  (inc (mod (+ d 3) 7)))

(defn year-day
  "The day of the year."
  [d]
  (let [[y] (breyta.host/civil d)]
    (inc (- d (breyta.host/epoch-day y 1 1)))))

(defn field-name
  "The name of a ChronoField."
  [f]
  (if (= (k f) :field)
    (nth (breyta.host/fields) (breyta.host/a f))
    (throw (new ClassCastException "class java.lang.Object cannot be cast to class java.time.temporal.TemporalField"))))

(defn field
  "The value of a field, by its name; throws when x does not have it."
  [x f]
  (let [kind (k x)
        n (nod x)
        d (day x)
        [y m dom] (ymd x)
        fail (fn [] (unsupported "field" f))
        timed (fn [divide by] (if n (mod (quot n divide) by) (fail)))
        nano (fn [divide] (cond n (quot (mod n 1000000000) divide)
                                (= kind :instant) (quot (breyta.host/b x) divide)
                                :else (fail)))]
    (case f
      "NanoOfSecond" (nano 1)
      "MicroOfSecond" (nano 1000)
      "MilliOfSecond" (nano 1000000)
      "NanoOfDay" (or n (fail))
      "MicroOfDay" (timed 1000 86400000000)
      "MilliOfDay" (timed 1000000 86400000)
      "SecondOfMinute" (timed 1000000000 60)
      "SecondOfDay" (timed 1000000000 86400)
      "MinuteOfHour" (timed 60000000000 60)
      "MinuteOfDay" (timed 60000000000 1440)
      "HourOfAmPm" (timed 3600000000000 12)
      "ClockHourOfAmPm" (let [h (timed 3600000000000 12)] (if (zero? h) 12 h))
      "HourOfDay" (timed 3600000000000 24)
      "ClockHourOfDay" (let [h (timed 3600000000000 24)] (if (zero? h) 24 h))
      "AmPmOfDay" (timed 43200000000000 2)
      "DayOfWeek" (cond d (week-day d) (= kind :day) (breyta.host/a x) :else (fail))
      "AlignedDayOfWeekInMonth" (if d (inc (mod (dec dom) 7)) (fail))
      "AlignedDayOfWeekInYear" (if d (inc (mod (dec (year-day d)) 7)) (fail))
      "DayOfMonth" (if d dom (fail))
      "DayOfYear" (if d (year-day d) (fail))
      "EpochDay" (or d (fail))
      "AlignedWeekOfMonth" (if d (inc (quot (dec dom) 7)) (fail))
      "AlignedWeekOfYear" (if d (inc (quot (dec (year-day d)) 7)) (fail))
      "MonthOfYear" (cond (or d (= kind :year-month)) m (= kind :month) (breyta.host/a x) :else (fail))
      "ProlepticMonth" (if (or d (= kind :year-month)) (+ (* 12 y) (dec m)) (fail))
      "YearOfEra" (if y (if (pos? y) y (- 1 y)) (fail))
      "Year" (or y (fail))
      "Era" (if y (if (pos? y) 1 0) (fail))
      "InstantSeconds" (or (second-of x) (fail))
      "OffsetSeconds" (case kind (:zoned :offset-dt :offset) (breyta.host/c x) (fail))
      (fail))))

(defn set-date
  "x with another date, the day cut to the length of the month."
  [x y m dom]
  (checked "Year" -999999999 999999999 y)
  (case (k x)
    :year (breyta.host/make :year y 0 0)
    :year-month (breyta.host/make :year-month (+ (* 12 y) (dec m)) 0 0)
    (rebuild x (breyta.host/epoch-day y m (min dom (month-length y m))) (or (nod x) 0))))

(defn with-field
  "x with a field set, by its name."
  [x f v]
  (field x f)
  (let [n (nod x)
        d (day x)
        [y m dom] (ymd x)
        at (fn [unit by value] (rebuild x d (+ n (* unit (- (checked f 0 (dec by) value) (mod (quot n unit) by))))))]
    (case f
      "HourOfDay" (at 3600000000000 24 v)
      "MinuteOfHour" (at 60000000000 60 v)
      "SecondOfMinute" (at 1000000000 60 v)
      "SecondOfDay" (rebuild x d (+ (* 1000000000 (checked f 0 86399 v)) (mod n 1000000000)))
      "NanoOfDay" (rebuild x d (checked f 0 (dec nanos-per-day) v))
      "NanoOfSecond" (if n (at 1 1000000000 v) (instant (breyta.host/a x) (checked f 0 999999999 v)))
      "MicroOfSecond" (with-field x "NanoOfSecond" (* 1000 (checked f 0 999999 v)))
      "MilliOfSecond" (with-field x "NanoOfSecond" (* 1000000 (checked f 0 999 v)))
      "DayOfWeek" (rebuild x (+ d (- (checked f 1 7 v) (week-day d))) (or n 0))
      "DayOfMonth" (rebuild x (day-of y m v) (or n 0))
      "DayOfYear" (rebuild x (+ (breyta.host/epoch-day y 1 1) (dec (checked f 1 (if (leap? y) 366 365) v))) (or n 0))
      "EpochDay" (rebuild x v (or n 0))
      "MonthOfYear" (set-date x y (checked f 1 12 v) dom)
      "ProlepticMonth" (set-date x (Math/floorDiv v 12) (inc (Math/floorMod v 12)) dom)
      "Year" (set-date x v m dom)
      "InstantSeconds" (case (k x)
                         :instant (instant v (breyta.host/b x))
                         :zoned (zoned v (breyta.host/b x) (zone-of x))
                         :offset-dt (offset-dt v (breyta.host/b x) (breyta.host/c x)))
      "OffsetSeconds" (if (= (k x) :offset-dt) (offset-dt (- (local-second x) v) (breyta.host/b x) v) x)
      (unsupported "field" f))))

;; ---- units ----

(def unit-nanos
  "Nanoseconds of the units that have an exact length."
  {"Nanos" 1 "Micros" 1000 "Millis" 1000000 "Seconds" 1000000000 "Minutes" 60000000000 "Hours" 3600000000000 "HalfDays" 43200000000000
   "Days" 86400000000000})
(def unit-months
  "Months of the units that are made of months."
  {"Months" 1 "Years" 12 "Decades" 120 "Centuries" 1200 "Millennia" 12000})

(defn unit-name
  "The name of a ChronoUnit."
  [u]
  (if (= (k u) :unit)
    (nth (breyta.host/units) (breyta.host/a u))
    (throw (new ClassCastException "class java.lang.Object cannot be cast to class java.time.temporal.TemporalUnit"))))

(defn whole
  "n, or a promoted number, as a long."
  [n]
  (if (<= Long/MIN_VALUE n Long/MAX_VALUE) (long n) (breyta.host/fail :arithmetic "long overflow")))

(defn add-nanos
  "x some nanoseconds later; on the time line of instants for what is an instant."
  [x n unit]
  (case (k x)
    (:instant :zoned :offset-dt)
    (let [total (+' (breyta.host/b x) n)
          r (mod total 1000000000)
          s (whole (+' (breyta.host/a x) (quot (-' total r) 1000000000)))]
      (case (k x)
        :instant (instant s (long r))
        :zoned (zoned s (long r) (zone-of x))
        (offset-dt s (long r) (breyta.host/c x))))
    :time (breyta.time/time (long (mod (+' (breyta.host/b x) n) nanos-per-day)))
    :datetime (let [total (+' (breyta.host/b x) n)
                    r (mod total nanos-per-day)]
                (datetime (whole (+' (breyta.host/a x) (quot (-' total r) nanos-per-day))) (long r)))
    :duration (nanos-duration (+' (*' (breyta.host/a x) 1000000000) (breyta.host/b x) n))
    (unsupported "unit" unit)))

(defn add-days
  "x some days later, on the local clock."
  [x n]
  (case (k x)
    (:instant :duration) (add-nanos x (*' n nanos-per-day) "Days")
    (if-let [d (day x)]
      (rebuild x (whole (+' d n)) (or (nod x) 0))
      (unsupported "unit" "Days"))))

(defn add-months
  "x some months later."
  [x n unit]
  (let [[y m dom] (ymd x)]
    (when (or (nil? y) (and (= (k x) :year) (not (zero? (rem n 12)))))
      (unsupported "unit" unit))
    (let [total (whole (+' (* 12 y) (dec m) n))]
      (set-date x (Math/floorDiv total 12) (inc (Math/floorMod total 12)) dom))))

(defn add
  "x some units later, by the name of the unit."
  [x n unit]
  (cond
    (= unit "Days") (add-days x n)
    (unit-nanos unit) (add-nanos x (*' n (unit-nanos unit)) unit)
    (= (k x) :duration) (breyta.host/fail :unit "Unit must not have an estimated duration")
    (= (k x) :instant) (unsupported "unit" unit)
    (= unit "Weeks") (if (day x) (add-days x (*' 7 n)) (unsupported "unit" unit))
    (unit-months unit) (add-months x (*' n (unit-months unit)) unit)
    :else (unsupported "unit" unit)))

(defn add-amount
  "x a Duration or Period later; sign -1: earlier."
  [x amount sign]
  (case (k amount)
    :duration (if (= (k x) :date)
                (unsupported "unit" "Seconds")
                (add-nanos x (*' sign (+' (*' 1000000000 (breyta.host/a amount)) (breyta.host/b amount))) "Seconds"))
    :period (let [months (+ (* 12 (breyta.host/a amount)) (breyta.host/b amount))
                  days (breyta.host/c amount)
                  x (if (zero? months) x (if (or (day x) (= (k x) :year-month)) (add-months x (* sign months) "Months") (unsupported "unit" "Months")))]
              (if (zero? days) x (add-days x (* sign days))))
    (breyta.host/none "plus" 1 x)))

(defn months-between
  "Whole months from one date to another."
  [[y1 m1 d1] [y2 m2 d2]]
  (quot (- (+ (* 32 (+ (* 12 y2) m2)) d2) (+ (* 32 (+ (* 12 y1) m1)) d1)) 32))

(defn as-kind
  "`to` as a value like x, for until."
  [x to]
  (let [kind (k x)]
    (case kind
      (:instant :time :date :datetime :year :year-month) (breyta.time/from kind to)
      :zoned (breyta.time/from :zoned (if (= (k to) :zoned) (zoned (breyta.host/a to) (breyta.host/b to) (zone-of x)) to))
      :offset-dt (let [o (breyta.time/from :offset-dt to)] (offset-dt (breyta.host/a o) (breyta.host/b o) (breyta.host/c x)))
      to)))

(defn until
  "Whole units from x to another value."
  [x to unit]
  (let [to (as-kind x to)
        per (unit-nanos unit)
        date-unit? (or (not per) (= unit "Days"))
        by-days (fn [d1 d2]
                  (case unit
                    "Days" (- d2 d1)
                    "Weeks" (quot (- d2 d1) 7)
                    (if-let [per-month (unit-months unit)]
                      (quot (months-between (breyta.host/civil d1) (breyta.host/civil d2)) per-month)
                      (unsupported "unit" unit))))]
    (case (k x)
      :instant (if per
                 (whole (quot (+' (*' 1000000000 (- (breyta.host/a to) (breyta.host/a x))) (- (breyta.host/b to) (breyta.host/b x))) per))
                 (unsupported "unit" unit))
      :time (if (and per (not date-unit?)) (quot (- (breyta.host/b to) (breyta.host/b x)) per) (unsupported "unit" unit))
      :date (if date-unit? (by-days (day x) (day to)) (unsupported "unit" unit))
      (:year :year-month) (if-let [per-month (unit-months unit)]
                            (quot (months-between (ymd x) (ymd to)) per-month)
                            (unsupported "unit" unit))
      (if (or date-unit? (= (k x) :datetime) (= (k x) :offset-dt))
        (let [d1 (day x) d2 (day to) n1 (nod x) n2 (nod to)]
          (if date-unit?
            (by-days d1 (cond (and (> d2 d1) (< n2 n1)) (dec d2) (and (< d2 d1) (> n2 n1)) (inc d2) :else d2))
            (whole (quot (+' (*' nanos-per-day (- d2 d1)) (- n2 n1)) per))))
        (whole (quot (+' (*' 1000000000 (- (breyta.host/a to) (breyta.host/a x))) (- (breyta.host/b to) (breyta.host/b x))) per))))))

(defn truncate
  "x with everything below a unit set to zero."
  [x unit]
  (let [per (unit-nanos unit)]
    (cond
      (nil? per) (breyta.host/fail :unit "Unit is too large to be used for truncation")
      (= (k x) :instant) (let [s (breyta.host/a x)
                               d (Math/floorDiv s 86400)
                               n (+ (* 1000000000 (- s (* 86400 d))) (breyta.host/b x))
                               n (* per (quot n per))]
                           (instant (+ (* 86400 d) (quot n 1000000000)) (mod n 1000000000)))
      (= (k x) :duration) (let [n (+' (*' 1000000000 (breyta.host/a x)) (breyta.host/b x))]
                            (nanos-duration (*' per (quot n per))))
      (nod x) (rebuild x (day x) (* per (quot (nod x) per)))
      :else (breyta.host/none "truncatedTo" 1 x))))

(defn from
  "x as a value of another kind, as the static `from` methods have it."
  [kind x]
  (let [d (day x)
        n (nod x)
        s (second-of x)
        fail (fn [] (breyta.host/fail :date (str "Unable to obtain " (breyta.time/kind-name kind) " from TemporalAccessor: " x " of type "
                                                 (.getName (class x)))))]
    (if (= (k x) kind)
      (if (= (class x) java.util.Date) (instant s (breyta.host/b x)) x)
      (case kind
        :instant (if s (instant s (breyta.host/b x)) (fail))
        :date (if d (date d) (fail))
        :time (if n (breyta.time/time n) (fail))
        :datetime (if (and d n) (datetime d n) (fail))
        :zoned (if (= (k x) :offset-dt) (zoned s (breyta.host/b x) (offset (breyta.host/c x))) (fail))
        :offset-dt (if (= (k x) :zoned) (offset-dt s (breyta.host/b x) (breyta.host/c x)) (fail))
        :year (if (ymd x) (breyta.host/make :year ((ymd x) 0) 0 0) (fail))
        :year-month (if d (let [[y m] (ymd x)] (breyta.host/make :year-month (+ (* 12 y) (dec m)) 0 0)) (fail))
        :month (if d (breyta.host/make :month ((ymd x) 1) 0 0) (fail))
        :day (if d (breyta.host/make :day (week-day d) 0 0) (fail))))))

(defn kind-name
  "The simple name of the class of a kind."
  [kind]
  (get {:date "LocalDate" :time "LocalTime" :datetime "LocalDateTime" :zoned "ZonedDateTime" :offset-dt "OffsetDateTime" :instant "Instant"
        :year "Year" :year-month "YearMonth" :month "Month" :day "DayOfWeek"} kind))

(defn now
  "The present Instant, to the millisecond; journaled in a flow run."
  []
  (let [ms (System/currentTimeMillis)]
    (instant (Math/floorDiv ms 1000) (* 1000000 (Math/floorMod ms 1000)))))

(defn in-zone
  "An Instant in a zone, as a ZonedDateTime."
  [x zone]
  (zoned (breyta.host/a x) (breyta.host/b x) zone))

(defn utc
  "UTC as a zone."
  []
  (offset 0))

(defn before?
  "Is x before y? They must be of the same kind."
  [x y]
  (if (second-of x)
    (neg? (compare [(second-of x) (breyta.host/b x)] [(or (second-of y) (breyta.host/none "isBefore" 1 y)) (breyta.host/b y)]))
    (neg? (compare x y))))

(defn adjust
  "x with what an adjuster of TemporalAdjusters, or a date, time or other value, sets."
  [x adjuster]
  (let [[_ op arg nth-arg] (when (= (k adjuster) :object) (breyta.host/x adjuster))
        d (day x)
        [y m dom] (ymd x)
        to (fn [day] (rebuild x day (or (nod x) 0)))
        first-of-month (fn [] (- d (dec dom)))
        forward (fn [from wanted] (+ from (mod (- wanted (week-day from)) 7)))
        backward (fn [from wanted] (- from (mod (- (week-day from) wanted) 7)))]
    (case (k adjuster)
      :object
      (case op
        :first-day-of-month (to (first-of-month))
        :last-day-of-month (to (+ (first-of-month) (dec (month-length y m))))
        :first-day-of-next-month (to (+ (first-of-month) (month-length y m)))
        :first-day-of-year (to (breyta.host/epoch-day y 1 1))
        :last-day-of-year (to (breyta.host/epoch-day y 12 31))
        :first-day-of-next-year (to (breyta.host/epoch-day (inc y) 1 1))
        :next (to (forward (inc d) arg))
        :next-or-same (to (forward d arg))
        :previous (to (backward (dec d) arg))
        :previous-or-same (to (backward d arg))
        :day-of-week-in-month (to (if (neg? nth-arg)
                                    (+ (backward (+ (first-of-month) (dec (month-length y m))) arg) (* 7 (inc nth-arg)))
                                    (+ (forward (first-of-month) arg) (* 7 (dec nth-arg)))))
        (breyta.host/none "with" 1 x))
      :date (if d (to (day adjuster)) (unsupported "field" "EpochDay"))
      :time (if (nod x) (rebuild x d (nod adjuster)) (unsupported "field" "NanoOfDay"))
      :datetime (rebuild x (day adjuster) (nod adjuster))
      :month (with-field x "MonthOfYear" (breyta.host/a adjuster))
      :day (with-field x "DayOfWeek" (breyta.host/a adjuster))
      :year (with-field x "Year" (breyta.host/a adjuster))
      (breyta.host/none "with" 1 x))))

(defn adjuster
  "An adjuster."
  [& parts]
  (breyta.host/make :object 0 0 0 (into ["java.time.temporal.TemporalAdjusters$$Lambda"] parts) "java.time.temporal.TemporalAdjusters$$Lambda"))

(defn constant
  "A constant of an enumeration by its name."
  [kind names name]
  (let [i (.indexOf names name)]
    (if (neg? i)
      (throw (new IllegalArgumentException (str "No enum constant java.time." ({:day "DayOfWeek" :month "Month" :unit "temporal.ChronoUnit" :field "temporal.ChronoField"} kind) "." name)))
      (breyta.host/make kind (if (#{:day :month} kind) (inc i) i) 0 0))))

(defn constant-name
  "The name of a constant as Java's name() has it."
  [x]
  (case (k x)
    (:day :month) (str x)
    (clojure.string/upper-case (clojure.string/replace (str x) #"(?<=[a-z])(?=[A-Z])" "_"))))

(defn duration-part
  "A Duration as nanoseconds, quotient by a unit and remainder by a larger one."
  [x unit by]
  (let [n (+' (*' 1000000000 (breyta.host/a x)) (breyta.host/b x))
        q (quot n unit)]
    (whole (if by (rem q by) q))))

;; ---- methods ----

(ns breyta.method)

(defn plus
  "(.plus x amount) (.plus x n unit)"
  ([x amount]
   (case (breyta.time/k x)
     :duration (breyta.time/add-amount x amount 1)
     :period (breyta.time/period (+ (breyta.host/a x) (breyta.host/a amount)) (+ (breyta.host/b x) (breyta.host/b amount)) (+ (breyta.host/c x) (breyta.host/c amount)))
     (:day :month) (let [by (if (= (breyta.time/k x) :day) 7 12)]
                     (breyta.host/make (breyta.time/k x) (inc (clojure.core/mod (+ (dec (breyta.host/a x)) amount) by)) 0 0))
     nil (breyta.host/none "plus" 1 x)
     (breyta.time/add-amount x amount 1)))
  ([x n unit]
   (if (breyta.time/k x)
     (breyta.time/add x n (breyta.time/unit-name unit))
     (breyta.host/none "plus" 2 x))))

(defn minus
  "(.minus x amount) (.minus x n unit)"
  ([x amount]
   (case (breyta.time/k x)
     :period (breyta.time/period (- (breyta.host/a x) (breyta.host/a amount)) (- (breyta.host/b x) (breyta.host/b amount)) (- (breyta.host/c x) (breyta.host/c amount)))
     (:day :month) (plus x (- amount))
     nil (breyta.host/none "minus" 1 x)
     (breyta.time/add-amount x amount -1)))
  ([x n unit]
   (if (breyta.time/k x)
     (breyta.time/add x (-' n) (breyta.time/unit-name unit))
     (breyta.host/none "minus" 2 x))))

(defn add-units
  "What plusDays and its like do; a Period's own parts count for themselves."
  [x name n unit]
  (case (breyta.time/k x)
    nil (breyta.host/none name 1 x)
    :period (case unit
              "Years" (breyta.time/period (+ (breyta.host/a x) n) (breyta.host/b x) (breyta.host/c x))
              "Months" (breyta.time/period (breyta.host/a x) (+ (breyta.host/b x) n) (breyta.host/c x))
              "Days" (breyta.time/period (breyta.host/a x) (breyta.host/b x) (+ (breyta.host/c x) n))
              (breyta.host/none name 1 x))
    (breyta.time/add x n unit)))

(defn plusNanos "(.plusNanos x n)" [x n] (add-units x "plusNanos" n "Nanos"))
(defn plusMillis "(.plusMillis x n)" [x n] (add-units x "plusMillis" n "Millis"))
(defn plusSeconds "(.plusSeconds x n)" [x n] (add-units x "plusSeconds" n "Seconds"))
(defn plusMinutes "(.plusMinutes x n)" [x n] (add-units x "plusMinutes" n "Minutes"))
(defn plusHours "(.plusHours x n)" [x n] (add-units x "plusHours" n "Hours"))
(defn plusDays "(.plusDays x n)" [x n] (add-units x "plusDays" n "Days"))
(defn plusWeeks "(.plusWeeks x n)" [x n] (add-units x "plusWeeks" n "Weeks"))
(defn plusMonths "(.plusMonths x n)" [x n] (add-units x "plusMonths" n "Months"))
(defn plusYears "(.plusYears x n)" [x n] (add-units x "plusYears" n "Years"))
(defn minusNanos "(.minusNanos x n)" [x n] (add-units x "minusNanos" (-' n) "Nanos"))
(defn minusMillis "(.minusMillis x n)" [x n] (add-units x "minusMillis" (-' n) "Millis"))
(defn minusSeconds "(.minusSeconds x n)" [x n] (add-units x "minusSeconds" (-' n) "Seconds"))
(defn minusMinutes "(.minusMinutes x n)" [x n] (add-units x "minusMinutes" (-' n) "Minutes"))
(defn minusHours "(.minusHours x n)" [x n] (add-units x "minusHours" (-' n) "Hours"))
(defn minusDays "(.minusDays x n)" [x n] (add-units x "minusDays" (-' n) "Days"))
(defn minusWeeks "(.minusWeeks x n)" [x n] (add-units x "minusWeeks" (-' n) "Weeks"))
(defn minusMonths "(.minusMonths x n)" [x n] (add-units x "minusMonths" (-' n) "Months"))
(defn minusYears "(.minusYears x n)" [x n] (add-units x "minusYears" (-' n) "Years"))

(defn part
  "A field of x, or the part of a Period or Duration."
  [x name f]
  (case (breyta.time/k x)
    nil (breyta.host/none name 0 x)
    :period (case f "Year" (breyta.host/a x) "MonthOfYear" (breyta.host/b x) "DayOfMonth" (breyta.host/c x) (breyta.host/none name 0 x))
    :duration (case f "NanoOfSecond" (breyta.host/b x) "SecondOfMinute" (breyta.host/a x) (breyta.host/none name 0 x))
    (breyta.time/field x f)))

(defn getYear "(.getYear x)" [x] (part x "getYear" "Year"))
(defn getMonthValue "(.getMonthValue x)" [x] (part x "getMonthValue" "MonthOfYear"))
(defn getMonth "(.getMonth x)" [x] (breyta.host/make :month (part x "getMonth" "MonthOfYear") 0 0))
(defn getDayOfMonth "(.getDayOfMonth x)" [x] (part x "getDayOfMonth" "DayOfMonth"))
(defn getDayOfYear "(.getDayOfYear x)" [x] (part x "getDayOfYear" "DayOfYear"))
(defn getDayOfWeek "(.getDayOfWeek x)" [x] (breyta.host/make :day (part x "getDayOfWeek" "DayOfWeek") 0 0))
(defn getHour "(.getHour x)" [x] (part x "getHour" "HourOfDay"))
(defn getMinute "(.getMinute x)" [x] (part x "getMinute" "MinuteOfHour"))
(defn getSecond "(.getSecond x)" [x] (part x "getSecond" "SecondOfMinute"))
(defn getNano "(.getNano x)" [x] (part x "getNano" "NanoOfSecond"))
(defn getYears "(.getYears x)" [x] (part x "getYears" "Year"))
(defn getMonths "(.getMonths x)" [x] (part x "getMonths" "MonthOfYear"))
(defn getDays "(.getDays x)" [x] (part x "getDays" "DayOfMonth"))
(defn getSeconds "(.getSeconds x)" [x] (part x "getSeconds" "SecondOfMinute"))
(defn toSeconds "(.toSeconds x)" [x] (part x "toSeconds" "SecondOfMinute"))
(defn toTotalMonths "(.toTotalMonths x)" [x] (+ (* 12 (breyta.host/a x)) (breyta.host/b x)))
(defn getEpochSecond "(.getEpochSecond x)" [x] (part x "getEpochSecond" "InstantSeconds"))
(defn toEpochDay "(.toEpochDay x)" [x] (part x "toEpochDay" "EpochDay"))
(defn toSecondOfDay "(.toSecondOfDay x)" [x] (part x "toSecondOfDay" "SecondOfDay"))
(defn toNanoOfDay "(.toNanoOfDay x)" [x] (part x "toNanoOfDay" "NanoOfDay"))

(defn get "(.get x field)" [x f] (breyta.time/field x (breyta.time/field-name f)))
(defn getLong "(.getLong x field)" [x f] (breyta.time/field x (breyta.time/field-name f)))
(defn isSupported
  "(.isSupported x field-or-unit)"
  [x f]
  (try
    (case (breyta.time/k f)
      :field (breyta.time/field x (breyta.time/field-name f))
      :unit (breyta.time/add x 0 (breyta.time/unit-name f)))
    true
    (catch java.time.temporal.UnsupportedTemporalTypeException e false)))

(defn with
  "(.with x adjuster) (.with x field value)"
  ([x adjuster] (if (breyta.time/k x) (breyta.time/adjust x adjuster) (breyta.host/none "with" 1 x)))
  ([x f v] (breyta.time/with-field x (breyta.time/field-name f) v)))

(defn set-part
  "A Period's part, or a field, set."
  [x name f v]
  (case (breyta.time/k x)
    nil (breyta.host/none name 1 x)
    :period (case f
              "Year" (breyta.time/period v (breyta.host/b x) (breyta.host/c x))
              "MonthOfYear" (breyta.time/period (breyta.host/a x) v (breyta.host/c x))
              "DayOfMonth" (breyta.time/period (breyta.host/a x) (breyta.host/b x) v))
    (breyta.time/with-field x f v)))

(defn withYear "(.withYear x n)" [x n] (set-part x "withYear" "Year" n))
(defn withMonth "(.withMonth x n)" [x n] (set-part x "withMonth" "MonthOfYear" n))
(defn withDayOfMonth "(.withDayOfMonth x n)" [x n] (set-part x "withDayOfMonth" "DayOfMonth" n))
(defn withDayOfYear "(.withDayOfYear x n)" [x n] (set-part x "withDayOfYear" "DayOfYear" n))
(defn withHour "(.withHour x n)" [x n] (set-part x "withHour" "HourOfDay" n))
(defn withMinute "(.withMinute x n)" [x n] (set-part x "withMinute" "MinuteOfHour" n))
(defn withSecond "(.withSecond x n)" [x n] (set-part x "withSecond" "SecondOfMinute" n))
(defn withNano "(.withNano x n)" [x n] (set-part x "withNano" "NanoOfSecond" n))
(defn withYears "(.withYears x n)" [x n] (set-part x "withYears" "Year" n))
(defn withMonths "(.withMonths x n)" [x n] (set-part x "withMonths" "MonthOfYear" n))
(defn withDays "(.withDays x n)" [x n] (set-part x "withDays" "DayOfMonth" n))
(defn withSeconds "(.withSeconds x n)" [x n] (breyta.time/duration n (breyta.host/b x)))
(defn withNanos "(.withNanos x n)" [x n] (breyta.time/duration (breyta.host/a x) (breyta.time/checked "NanoOfSecond" 0 999999999 n)))

(defn isBefore "(.isBefore x y)" [x y] (if (breyta.time/k x) (breyta.time/before? x y) (breyta.host/none "isBefore" 1 x)))
(defn isAfter "(.isAfter x y)" [x y] (if (breyta.time/k x) (breyta.time/before? y x) (breyta.host/none "isAfter" 1 x)))
(defn isEqual
  "(.isEqual x y)"
  [x y]
  (if (breyta.time/second-of x)
    (= [(breyta.host/a x) (breyta.host/b x)] [(breyta.host/a y) (breyta.host/b y)])
    (= x y)))

(defn until
  "(.until x end) (.until x end unit)"
  ([x end]
   (let [end (breyta.time/from :date end)
         [y1 m1 d1] (breyta.time/ymd x)
         [y2 m2 d2] (breyta.time/ymd end)
         months (- (+ (* 12 y2) m2) (+ (* 12 y1) m1))
         days (- d2 d1)
         later (fn [n] (breyta.time/day (breyta.time/add-months (breyta.time/date (breyta.time/day x)) n "Months")))
         [months days] (cond
                         (and (pos? months) (neg? days)) [(dec months) (- (breyta.time/day end) (later (dec months)))]
                         (and (neg? months) (pos? days)) [(inc months) (- days (breyta.time/month-length y2 m2))]
                         :else [months days])]
     (breyta.time/period (quot months 12) (rem months 12) days)))
  ([x end unit] (breyta.time/until x end (breyta.time/unit-name unit))))
(defn between "(.between unit x y)" [unit x y] (breyta.time/until x y (breyta.time/unit-name unit)))
(defn getDuration
  "(.getDuration unit)"
  [unit]
  (let [n (breyta.time/unit-name unit)
        months (breyta.time/unit-months n)]
    (cond
      (= n "Weeks") (breyta.time/duration (* 7 86400) 0)
      months (breyta.time/duration (* months (quot 31556952 12)) 0)
      (breyta.time/unit-nanos n) (breyta.time/nanos-duration (breyta.time/unit-nanos n))
      :else (breyta.time/duration Long/MAX_VALUE 999999999))))

(defn truncatedTo "(.truncatedTo x unit)" [x unit] (breyta.time/truncate x (breyta.time/unit-name unit)))
(defn isLeapYear "(.isLeapYear x)" [x] (breyta.time/leap? (part x "isLeapYear" "Year")))
(defn isLeap "(.isLeap x)" [x] (breyta.time/leap? (breyta.host/a x)))
(defn lengthOfMonth "(.lengthOfMonth x)" [x] (let [[y m] (breyta.time/ymd x)] (breyta.time/month-length y m)))
(defn lengthOfYear "(.lengthOfYear x)" [x] (if (breyta.time/leap? ((breyta.time/ymd x) 0)) 366 365))
(defn length
  "(.length x) of a year or (.length month leap?)"
  ([x] (if (= (breyta.time/k x) :year) (lengthOfYear x) (breyta.host/none "length" 0 x)))
  ([x leap?] (breyta.time/month-length (if leap? 2000 2001) (breyta.host/a x))))
(defn maxLength "(.maxLength month)" [x] (breyta.time/month-length 2000 (breyta.host/a x)))
(defn minLength "(.minLength month)" [x] (breyta.time/month-length 2001 (breyta.host/a x)))

(defn toInstant
  "(.toInstant x) (.toInstant local-date-time offset)"
  ([x] (breyta.time/from :instant x))
  ([x offset] (breyta.time/instant (- (+ (* 86400 (breyta.time/day x)) (quot (breyta.time/nod x) 1000000000)) (breyta.host/c offset)) (clojure.core/mod (breyta.time/nod x) 1000000000))))
(defn toEpochMilli
  "(.toEpochMilli x)"
  [x]
  (if (breyta.time/second-of x)
    (breyta.time/whole (+' (*' 1000 (breyta.host/a x)) (quot (breyta.host/b x) 1000000)))
    (breyta.host/none "toEpochMilli" 0 x)))
(defn toEpochSecond
  "(.toEpochSecond x) (.toEpochSecond local-date-time offset)"
  ([x] (part x "toEpochSecond" "InstantSeconds"))
  ([x offset] (breyta.host/a (toInstant x offset))))
(defn toLocalDate "(.toLocalDate x)" [x] (breyta.time/from :date x))
(defn toLocalTime "(.toLocalTime x)" [x] (breyta.time/from :time x))
(defn toLocalDateTime "(.toLocalDateTime x)" [x] (breyta.time/from :datetime x))
(defn toOffsetDateTime "(.toOffsetDateTime x)" [x] (breyta.time/from :offset-dt x))
(defn toZonedDateTime "(.toZonedDateTime x)" [x] (breyta.time/from :zoned x))
(defn atZone
  "(.atZone x zone)"
  [x zone]
  (case (breyta.time/k x)
    :instant (breyta.time/in-zone x zone)
    :datetime (breyta.time/zoned-local zone (breyta.time/day x) (breyta.time/nod x))
    (breyta.host/none "atZone" 1 x)))
(defn atZoneSameInstant "(.atZoneSameInstant x zone)" [x zone] (breyta.time/in-zone x zone))
(defn atOffset
  "(.atOffset x offset)"
  [x offset]
  (let [o (breyta.host/c offset)]
    (if (= (breyta.time/k x) :instant)
      (breyta.time/offset-dt (breyta.host/a x) (breyta.host/b x) o)
      (breyta.time/offset-dt (toEpochSecond x offset) (clojure.core/mod (breyta.time/nod x) 1000000000) o))))
(defn atStartOfDay
  "(.atStartOfDay date) (.atStartOfDay date zone)"
  ([x] (breyta.time/datetime (breyta.time/day x) 0))
  ([x zone] (breyta.time/zoned-local zone (breyta.time/day x) 0)))
(defn atTime
  "(.atTime date time) (.atTime date hour minute ...)"
  ([x t] (breyta.time/datetime (breyta.time/day x) (breyta.time/nod t)))
  ([x h m] (breyta.time/datetime (breyta.time/day x) (breyta.time/nanos-of h m 0 0)))
  ([x h m s] (breyta.time/datetime (breyta.time/day x) (breyta.time/nanos-of h m s 0)))
  ([x h m s n] (breyta.time/datetime (breyta.time/day x) (breyta.time/nanos-of h m s n))))
(defn atDate "(.atDate time date)" [x d] (breyta.time/datetime (breyta.time/day d) (breyta.time/nod x)))
(defn atDay
  "(.atDay x n) of a year-month or year"
  [x n]
  (if (= (breyta.time/k x) :year)
    (breyta.time/date (+ (breyta.host/epoch-day (breyta.host/a x) 1 1) (dec n)))
    (let [[y m] (breyta.time/ymd x)] (breyta.time/date (breyta.time/day-of y m n)))))
(defn atEndOfMonth "(.atEndOfMonth x)" [x] (let [[y m] (breyta.time/ymd x)] (breyta.time/date (breyta.time/day-of y m (breyta.time/month-length y m)))))
(defn atMonth "(.atMonth year month)" [x m] (breyta.host/make :year-month (+ (* 12 (breyta.host/a x)) (dec (breyta.time/number-of m))) 0 0))
(defn getZone "(.getZone x)" [x] (case (breyta.time/k x) :zoned (breyta.time/zone-of x) :object (breyta.timefmt/zone-of x) (breyta.host/none "getZone" 0 x)))
(defn getOffset "(.getOffset x)" [x] (case (breyta.time/k x) (:zoned :offset-dt) (breyta.time/offset (breyta.host/c x)) (breyta.host/none "getOffset" 0 x)))
(defn withZoneSameInstant "(.withZoneSameInstant x zone)" [x zone] (breyta.time/in-zone x zone))
(defn withZoneSameLocal "(.withZoneSameLocal x zone)" [x zone] (breyta.time/zoned-local zone (breyta.time/day x) (breyta.time/nod x) (breyta.host/c x)))
(defn withOffsetSameInstant "(.withOffsetSameInstant x offset)" [x o] (breyta.time/offset-dt (breyta.host/a x) (breyta.host/b x) (breyta.host/c o)))
(defn getId "(.getId zone)" [x] (str x))
(defn getTotalSeconds "(.getTotalSeconds offset)" [x] (breyta.host/c x))
(defn normalized
  "(.normalized x) of a zone or Period"
  [x]
  (if (= (breyta.time/k x) :period)
    (let [m (toTotalMonths x)] (breyta.time/period (quot m 12) (rem m 12) (breyta.host/c x)))
    x))

(defn getValue
  "(.getValue x) of a day, month or year"
  [x]
  (case (breyta.time/k x)
    (:day :month :year) (breyta.host/a x)
    (breyta.host/none "getValue" 0 x)))
(defn ordinal "(.ordinal x)" [x] (case (breyta.time/k x) (:day :month) (dec (breyta.host/a x)) (:unit :field) (breyta.host/a x) (breyta.host/none "ordinal" 0 x)))
(defn name "(.name x)" [x] (if (breyta.time/k x) (breyta.time/constant-name x) (breyta.host/none "name" 0 x)))
(defn getDisplayName
  "(.getDisplayName x style locale) of a day or month; English."
  [x style locale]
  (let [full ((if (= (breyta.time/k x) :day) breyta.time/day-names breyta.time/month-names) (dec (breyta.host/a x)))]
    (case (str style)
      ("FULL" "FULL_STANDALONE") full
      ("SHORT" "SHORT_STANDALONE") (subs full 0 3)
      (subs full 0 1))))

(defn toDays "(.toDays d)" [x] (breyta.time/duration-part x breyta.time/nanos-per-day nil))
(defn toHours "(.toHours d)" [x] (breyta.time/duration-part x 3600000000000 nil))
(defn toMinutes "(.toMinutes d)" [x] (breyta.time/duration-part x 60000000000 nil))
(defn toMillis "(.toMillis d)" ([x] (breyta.time/duration-part x 1000000 nil)) ([unit n] (breyta.java/convert unit n 1000000)))
(defn toNanos "(.toNanos d)" ([x] (breyta.time/duration-part x 1 nil)) ([unit n] (breyta.java/convert unit n 1)))
(defn toDaysPart "(.toDaysPart d)" [x] (toDays x))
(defn toHoursPart "(.toHoursPart d)" [x] (breyta.time/duration-part x 3600000000000 24))
(defn toMinutesPart "(.toMinutesPart d)" [x] (breyta.time/duration-part x 60000000000 60))
(defn toSecondsPart "(.toSecondsPart d)" [x] (breyta.time/duration-part x 1000000000 60))
(defn toMillisPart "(.toMillisPart d)" [x] (quot (breyta.host/b x) 1000000))
(defn toNanosPart "(.toNanosPart d)" [x] (breyta.host/b x))
(defn multipliedBy
  "(.multipliedBy x n)"
  [x n]
  (if (= (breyta.time/k x) :period)
    (breyta.time/period (* n (breyta.host/a x)) (* n (breyta.host/b x)) (* n (breyta.host/c x)))
    (breyta.time/nanos-duration (*' n (+' (*' 1000000000 (breyta.host/a x)) (breyta.host/b x))))))
(defn dividedBy
  "(.dividedBy d n-or-duration)"
  [x n]
  (let [nanos (fn [d] (+' (*' 1000000000 (breyta.host/a d)) (breyta.host/b d)))]
    (if (breyta.time/k n)
      (breyta.time/whole (quot (nanos x) (nanos n)))
      (if (zero? n)
        (breyta.host/fail :arithmetic "Cannot divide by zero")
        (breyta.time/nanos-duration (quot (nanos x) n))))))
(defn negated "(.negated x)" [x] (multipliedBy x -1))
(defn abs "(.abs duration)" [x] (if (neg? (breyta.host/a x)) (negated x) x))
(defn isZero "(.isZero x)" [x] (and (zero? (breyta.host/a x)) (zero? (breyta.host/b x)) (zero? (breyta.host/c x))))
(defn isNegative "(.isNegative x)" [x] (if (= (breyta.time/k x) :period) (boolean (some neg? [(breyta.host/a x) (breyta.host/b x) (breyta.host/c x)])) (neg? (breyta.host/a x))))
