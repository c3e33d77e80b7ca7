;; java.time; what Clojure 1.11.1 on JDK 17 answers
(str (Instant/parse "2020-01-02T03:04:05Z")) ;=> "2020-01-02T03:04:05Z"
(str (Instant/parse "2020-01-02T03:04:05.123456789Z")) ;=> "2020-01-02T03:04:05.123456789Z"
(str (Instant/parse "2020-01-02T03:04:05.1Z")) ;=> "2020-01-02T03:04:05.100Z"
(str (Instant/parse "2020-01-02T03:04Z")) ;!> argument
(Instant/parse "2020-01-02") ;!> argument
(Instant/parse "2020-01-02T03:04:05") ;!> argument
(Instant/parse "2020-13-02T03:04:05Z") ;!> argument
(Instant/parse "2020-02-30T03:04:05Z") ;!> argument
(str (Instant/parse "2020-01-02T03:04:05+01:00")) ;=> "2020-01-02T02:04:05Z"
(str (Instant/ofEpochMilli -1)) ;=> "1969-12-31T23:59:59.999Z"
(str (Instant/ofEpochSecond 1e9)) ;=> "2001-09-09T01:46:40Z"
(str (Instant/ofEpochSecond 1000000000)) ;=> "2001-09-09T01:46:40Z"
(str (Instant/ofEpochSecond 5 -1)) ;=> "1970-01-01T00:00:04.999999999Z"
(str (Instant/ofEpochSecond 253402300800)) ;=> "+10000-01-01T00:00:00Z"
(str (Instant/ofEpochSecond -62198755200)) ;=> "-0001-01-01T00:00:00Z"
(str Instant/EPOCH) ;=> "1970-01-01T00:00:00Z"
(str Instant/MAX) ;=> "+1000000000-12-31T23:59:59.999999999Z"
(str Instant/MIN) ;=> "-1000000000-01-01T00:00:00Z"
(.toEpochMilli (Instant/parse "2020-01-02T03:04:05.678Z")) ;=> 1577934245678
(.getEpochSecond (Instant/parse "1960-01-02T03:04:05.678Z")) ;=> -315521755
(.getNano (Instant/parse "1960-01-02T03:04:05.678Z")) ;=> 678000000
(str (.plusSeconds (Instant/parse "2020-01-02T03:04:05Z") 60)) ;=> "2020-01-02T03:05:05Z"
(str (.plusMillis (Instant/parse "2020-01-02T03:04:05Z") 1500)) ;=> "2020-01-02T03:04:06.500Z"
(str (.plusNanos (Instant/parse "2020-01-02T03:04:05Z") -1)) ;=> "2020-01-02T03:04:04.999999999Z"
(str (.plus (Instant/parse "2020-01-02T03:04:05Z") 1 ChronoUnit/DAYS)) ;=> "2020-01-03T03:04:05Z"
(str (.plus (Instant/parse "2020-01-02T03:04:05Z") 1 ChronoUnit/MONTHS)) ;!> argument
(str (.plus (Instant/parse "2020-01-02T03:04:05Z") (Duration/ofHours 5))) ;=> "2020-01-02T08:04:05Z"
(str (.minus (Instant/parse "2020-01-02T03:04:05Z") (Duration/ofDays 5))) ;=> "2019-12-28T03:04:05Z"
(str (.minus (Instant/parse "2020-01-02T03:04:05Z") (Period/ofDays 5))) ;=> "2019-12-28T03:04:05Z"
(str (.truncatedTo (Instant/parse "2020-01-02T03:04:05.678Z") ChronoUnit/HOURS)) ;=> "2020-01-02T03:00:00Z"
(str (.truncatedTo (Instant/parse "1960-01-02T03:04:05.678Z") ChronoUnit/DAYS)) ;=> "1960-01-02T00:00:00Z"
(str (.truncatedTo (Instant/parse "1960-01-02T03:04:05.678Z") ChronoUnit/MONTHS)) ;!> argument
(.isBefore (Instant/ofEpochSecond 1) (Instant/ofEpochSecond 2)) ;=> true
(.isAfter (Instant/ofEpochSecond 1) (Instant/ofEpochSecond 2)) ;=> false
(.compareTo (Instant/ofEpochSecond 1) (Instant/ofEpochSecond 2)) ;=> -1
(compare (Instant/ofEpochSecond 1 5) (Instant/ofEpochSecond 1 2)) ;=> 3
(= (Instant/ofEpochSecond 1) (Instant/ofEpochMilli 1000)) ;=> true
(hash (Instant/ofEpochSecond 1234567890 5)) ;=> 1234568145
(.until (Instant/ofEpochSecond 1) (Instant/ofEpochSecond 100) ChronoUnit/MINUTES) ;=> 1
(.between ChronoUnit/DAYS (Instant/ofEpochSecond 1) (Instant/ofEpochSecond 1000000)) ;=> 11
(str (.atZone (Instant/ofEpochSecond 1600000000) (ZoneId/of "America/New_York"))) ;=> "2020-09-13T08:26:40-04:00[America/New_York]"
(str (.atZone (Instant/ofEpochSecond 1600000000) (ZoneId/of "UTC"))) ;=> "2020-09-13T12:26:40Z[UTC]"
(str (.atZone (Instant/ofEpochSecond 1600000000) ZoneOffset/UTC)) ;=> "2020-09-13T12:26:40Z"
(str (.atOffset (Instant/ofEpochSecond 1600000000) (ZoneOffset/ofHours 2))) ;=> "2020-09-13T14:26:40+02:00"
(.get (Instant/ofEpochSecond 1 5) ChronoField/NANO_OF_SECOND) ;=> 5
(.getLong (Instant/ofEpochSecond 1 5) ChronoField/INSTANT_SECONDS) ;=> 1
(.getLong (Instant/ofEpochSecond 1 5) ChronoField/HOUR_OF_DAY) ;!> argument
(class (Instant/ofEpochSecond 5)) ;=> java.time.Instant
(instance? Instant (Instant/ofEpochSecond 5)) ;=> true
(inst-ms (Instant/ofEpochSecond 5)) ;=> 5000
(inst? (Instant/ofEpochSecond 5)) ;=> true
(str (Duration/parse "PT1H30M")) ;=> "PT1H30M"
(str (Duration/parse "P2DT3H4M5.006S")) ;=> "PT51H4M5.006S"
(str (Duration/parse "-PT6H3M")) ;=> "PT-6H-3M"
(str (Duration/parse "PT-0.5S")) ;=> "PT-0.5S"
(Duration/parse "x") ;!> argument
(str (Duration/ofMillis -1500)) ;=> "PT-1.5S"
(str (Duration/ofMillis 1500)) ;=> "PT1.5S"
(str (Duration/ofSeconds 3661)) ;=> "PT1H1M1S"
(str (Duration/ofSeconds -3661)) ;=> "PT-1H-1M-1S"
(str (Duration/ofSeconds 1 -1)) ;=> "PT0.999999999S"
(str (Duration/ofDays 1)) ;=> "PT24H"
(str Duration/ZERO) ;=> "PT0S"
(str (Duration/ofNanos 5)) ;=> "PT0.000000005S"
(str (Duration/of 5 ChronoUnit/MINUTES)) ;=> "PT5M"
(str (Duration/of 5 ChronoUnit/WEEKS)) ;!> argument
(str (Duration/between (Instant/ofEpochSecond 5) (Instant/ofEpochMilli 1))) ;=> "PT-4.999S"
(str (Duration/between (LocalDateTime/of 2020 1 1 0 0) (LocalDateTime/of 2020 3 1 0 0))) ;=> "PT1440H"
(str (Duration/between (LocalDate/of 2020 1 1) (LocalDate/of 2020 3 1))) ;!> argument
(map #(% (Duration/ofMillis 93784005)) [#(.toDays %) #(.toHours %) #(.toMinutes %) #(.toMillis %) #(.toNanos %) #(.getSeconds %) #(.getNano %) #(.toHoursPart %) #(.toMinutesPart %) #(.toSecondsPart %) #(.toMillisPart %)]) ;=> (1 26 1563 93784005 93784005000000 93784 5000000 2 3 4 5)
(str (.plus (Duration/ofHours 1) (Duration/ofMinutes 5))) ;=> "PT1H5M"
(str (.plusMinutes (Duration/ofHours 1) 5)) ;=> "PT1H5M"
(str (.minusMinutes (Duration/ofHours 1) 5)) ;=> "PT55M"
(str (.multipliedBy (Duration/ofHours 1) 5)) ;=> "PT5H"
(str (.dividedBy (Duration/ofHours 1) 7)) ;=> "PT8M34.285714285S"
(str (.negated (Duration/ofHours 1))) ;=> "PT-1H"
(str (.abs (Duration/ofHours -1))) ;=> "PT1H"
(.isNegative (Duration/ofHours -1)) ;=> true
(.isZero Duration/ZERO) ;=> true
(compare (Duration/ofHours 1) (Duration/ofHours 2)) ;=> -1
(hash (Duration/ofSeconds 100 5)) ;=> 355
(str (Period/of 1 2 3)) ;=> "P1Y2M3D"
(str Period/ZERO) ;=> "P0D"
(str (Period/parse "P1Y2M3W4D")) ;=> "P1Y2M25D"
(str (Period/between (LocalDate/of 2020 1 31) (LocalDate/of 2021 3 1))) ;=> "P1Y1M1D"
(str (Period/between (LocalDate/of 2021 3 1) (LocalDate/of 2020 1 31))) ;=> "P-1Y-1M-1D"
[(.getYears (Period/of 1 2 3)) (.getMonths (Period/of 1 2 3)) (.getDays (Period/of 1 2 3)) (.toTotalMonths (Period/of 1 2 3))] ;=> [1 2 3 14]
(str (.normalized (Period/of 1 15 3))) ;=> "P2Y3M3D"
(str (LocalDate/of 2020 2 29)) ;=> "2020-02-29"
(LocalDate/of 2021 2 29) ;!> argument
(LocalDate/of 2021 4 31) ;!> argument
(LocalDate/of 2021 13 1) ;!> argument
(LocalDate/of 2021 1 32) ;!> argument
(str (LocalDate/of 2020 Month/MARCH 5)) ;=> "2020-03-05"
(str (LocalDate/parse "2020-02-03")) ;=> "2020-02-03"
(LocalDate/parse "2020-2-3") ;!> argument
(LocalDate/parse "2020-02-30") ;!> argument
(LocalDate/parse "2020-02-03T00:00") ;!> argument
(LocalDate/parse nil) ;!> null
(str (LocalDate/parse "03/02/2020" (DateTimeFormatter/ofPattern "dd/MM/yyyy"))) ;=> "2020-02-03"
(str (LocalDate/parse "20200203" (DateTimeFormatter/ofPattern "yyyyMMdd"))) ;=> "2020-02-03"
(str (LocalDate/parse "20200203" DateTimeFormatter/BASIC_ISO_DATE)) ;=> "2020-02-03"
(str (LocalDate/parse "Feb 3, 2020" (DateTimeFormatter/ofPattern "MMM d, yyyy"))) ;=> "2020-02-03"
(str (LocalDate/parse "31/02/2020" (DateTimeFormatter/ofPattern "dd/MM/yyyy"))) ;=> "2020-02-29"
(str (LocalDate/parse "03.02.20" (DateTimeFormatter/ofPattern "dd.MM.yy"))) ;=> "2020-02-03"
(LocalDate/parse "x" (DateTimeFormatter/ofPattern "dd.MM.yy")) ;!> argument
(str (LocalDate/ofEpochDay 18000)) ;=> "2019-04-14"
(str (LocalDate/ofYearDay 2020 60)) ;=> "2020-02-29"
(str (LocalDate/of -5 1 1)) ;=> "-0005-01-01"
(str (LocalDate/of 12345 1 1)) ;=> "+12345-01-01"
(str LocalDate/MAX) ;=> "+999999999-12-31"
(str (.plusDays (LocalDate/of 2020 2 28) 2)) ;=> "2020-03-01"
(str (.plusMonths (LocalDate/of 2020 1 31) 1)) ;=> "2020-02-29"
(str (.plusYears (LocalDate/of 2020 2 29) 1)) ;=> "2021-02-28"
(str (.plusWeeks (LocalDate/of 2020 2 29) 1)) ;=> "2020-03-07"
(str (.minusMonths (LocalDate/of 2020 3 31) 13)) ;=> "2019-02-28"
(str (.plus (LocalDate/of 2020 1 31) (Period/of 0 1 1))) ;=> "2020-03-01"
(str (.plus (LocalDate/of 2020 1 31) (Duration/ofDays 1))) ;!> argument
(str (.plus (LocalDate/of 2020 1 31) 1 ChronoUnit/DECADES)) ;=> "2030-01-31"
(str (.plus (LocalDate/of 2020 1 31) 1 ChronoUnit/HOURS)) ;!> argument
(let [d (LocalDate/of 2020 2 29)] [(.getYear d) (.getMonthValue d) (str (.getMonth d)) (.getDayOfMonth d) (.getDayOfYear d) (str (.getDayOfWeek d)) (.isLeapYear d) (.lengthOfMonth d) (.lengthOfYear d) (.toEpochDay d)]) ;=> [2020 2 "FEBRUARY" 29 60 "SATURDAY" true 29 366 18321]
(str (.withDayOfMonth (LocalDate/of 2020 2 29) 1)) ;=> "2020-02-01"
(str (.withYear (LocalDate/of 2020 2 29) 2021)) ;=> "2021-02-28"
(str (.withMonth (LocalDate/of 2020 1 31) 2)) ;=> "2020-02-29"
(.withDayOfMonth (LocalDate/of 2020 2 29) 30) ;!> argument
(map str [(.with (LocalDate/of 2020 2 15) (TemporalAdjusters/firstDayOfMonth)) (.with (LocalDate/of 2020 2 15) (TemporalAdjusters/lastDayOfMonth)) (.with (LocalDate/of 2020 2 15) (TemporalAdjusters/firstDayOfNextMonth)) (.with (LocalDate/of 2020 2 15) (TemporalAdjusters/firstDayOfYear)) (.with (LocalDate/of 2020 2 15) (TemporalAdjusters/lastDayOfYear)) (.with (LocalDate/of 2020 2 15) (TemporalAdjusters/firstDayOfNextYear))]) ;=> ("2020-02-01" "2020-02-29" "2020-03-01" "2020-01-01" "2020-12-31" "2021-01-01")
(map str [(.with (LocalDate/of 2020 2 15) (TemporalAdjusters/next DayOfWeek/SATURDAY)) (.with (LocalDate/of 2020 2 15) (TemporalAdjusters/nextOrSame DayOfWeek/SATURDAY)) (.with (LocalDate/of 2020 2 15) (TemporalAdjusters/previous DayOfWeek/MONDAY)) (.with (LocalDate/of 2020 2 15) (TemporalAdjusters/previousOrSame DayOfWeek/SATURDAY)) (.with (LocalDate/of 2020 2 15) (TemporalAdjusters/firstInMonth DayOfWeek/FRIDAY)) (.with (LocalDate/of 2020 2 15) (TemporalAdjusters/lastInMonth DayOfWeek/FRIDAY)) (.with (LocalDate/of 2020 2 15) (TemporalAdjusters/dayOfWeekInMonth 2 DayOfWeek/FRIDAY))]) ;=> ("2020-02-22" "2020-02-15" "2020-02-10" "2020-02-15" "2020-02-07" "2020-02-28" "2020-02-14")
(str (.with (LocalDate/of 2020 2 15) ChronoField/DAY_OF_WEEK 1)) ;=> "2020-02-10"
(str (.atStartOfDay (LocalDate/of 2020 2 29))) ;=> "2020-02-29T00:00"
(str (.atStartOfDay (LocalDate/of 2020 2 29) (ZoneId/of "Europe/Paris"))) ;=> "2020-02-29T00:00+01:00[Europe/Paris]"
(str (.atTime (LocalDate/of 2020 2 29) 10 30)) ;=> "2020-02-29T10:30"
(.isBefore (LocalDate/of 2020 2 29) (LocalDate/of 2020 3 1)) ;=> true
(.isEqual (LocalDate/of 2020 2 29) (LocalDate/of 2020 2 29)) ;=> true
(compare (LocalDate/of 2020 2 29) (LocalDate/of 2022 3 1)) ;=> -2
(compare (LocalDate/of 2020 2 29) (LocalDate/of 2020 5 1)) ;=> -3
(.between ChronoUnit/MONTHS (LocalDate/of 2020 1 31) (LocalDate/of 2020 2 29)) ;=> 0
(.between ChronoUnit/WEEKS (LocalDate/of 2020 1 31) (LocalDate/of 2020 2 29)) ;=> 4
(.between ChronoUnit/YEARS (LocalDate/of 2000 2 29) (LocalDate/of 2020 2 28)) ;=> 19
(.between ChronoUnit/HOURS (LocalDate/of 2000 2 29) (LocalDate/of 2020 2 28)) ;!> argument
(.until (LocalDate/of 2000 2 29) (LocalDate/of 2020 2 28) ChronoUnit/DAYS) ;=> 7304
(str (.until (LocalDate/of 2000 2 29) (LocalDate/of 2020 2 28))) ;=> "P19Y11M30D"
(hash (LocalDate/of 2020 2 29)) ;=> 4137117
(str (LocalTime/of 7 5)) ;=> "07:05"
(str (LocalTime/of 7 5 6)) ;=> "07:05:06"
(str (LocalTime/of 7 5 6 7000000)) ;=> "07:05:06.007"
(str (LocalTime/of 7 5 0 7000)) ;=> "07:05:00.000007"
(LocalTime/of 24 0) ;!> argument
(str (LocalTime/parse "07:05")) ;=> "07:05"
(str (LocalTime/parse "07:05:06.789")) ;=> "07:05:06.789"
(LocalTime/parse "7:05") ;!> argument
(LocalTime/parse "24:00") ;!> argument
(str (.plusHours (LocalTime/of 23 5) 2)) ;=> "01:05"
(str (.minusMinutes (LocalTime/of 0 5) 10)) ;=> "23:55"
(str (.truncatedTo (LocalTime/of 7 5 6) ChronoUnit/HOURS)) ;=> "07:00"
(.toSecondOfDay (LocalTime/of 7 5 6)) ;=> 25506
(str LocalTime/MAX) ;=> "23:59:59.999999999"
(hash (LocalTime/of 7 5 6)) ;=> -1810775246
(compare (LocalTime/of 7 5 6) (LocalTime/of 8 0)) ;=> -1
(str (LocalDateTime/of 2020 1 2 3 4)) ;=> "2020-01-02T03:04"
(str (LocalDateTime/of 2020 1 2 3 4 5 6)) ;=> "2020-01-02T03:04:05.000000006"
(str (LocalDateTime/parse "2020-01-02T03:04:05")) ;=> "2020-01-02T03:04:05"
(LocalDateTime/parse "2020-01-02 03:04:05") ;!> argument
(str (LocalDateTime/parse "2020-01-02 03:04:05" (DateTimeFormatter/ofPattern "yyyy-MM-dd HH:mm:ss"))) ;=> "2020-01-02T03:04:05"
(str (LocalDateTime/parse "1/2/2020 3:04 PM" (DateTimeFormatter/ofPattern "M/d/yyyy h:mm a"))) ;=> "2020-01-02T15:04"
(str (.plusHours (LocalDateTime/of 2020 1 2 23 4) 5)) ;=> "2020-01-03T04:04"
(str (.plusMonths (LocalDateTime/of 2020 1 31 23 4) 1)) ;=> "2020-02-29T23:04"
(str (.atZone (LocalDateTime/of 2020 3 29 2 30) (ZoneId/of "Europe/Paris"))) ;=> "2020-03-29T03:30+02:00[Europe/Paris]"
(str (.atZone (LocalDateTime/of 2020 10 25 2 30) (ZoneId/of "Europe/Paris"))) ;=> "2020-10-25T02:30+02:00[Europe/Paris]"
(str (.toInstant (LocalDateTime/of 2020 1 2 3 4) ZoneOffset/UTC)) ;=> "2020-01-02T03:04:00Z"
(.toEpochSecond (LocalDateTime/of 2020 1 2 3 4) (ZoneOffset/ofHours 1)) ;=> 1577930640
(str (.toLocalDate (LocalDateTime/of 2020 1 2 3 4))) ;=> "2020-01-02"
(.between ChronoUnit/DAYS (LocalDateTime/of 2020 1 1 10 0) (LocalDateTime/of 2020 1 3 9 0)) ;=> 1
(.between ChronoUnit/HOURS (LocalDateTime/of 2020 1 1 10 0) (LocalDateTime/of 2020 1 3 9 0)) ;=> 47
(.between ChronoUnit/MONTHS (LocalDateTime/of 2020 1 31 10 0) (LocalDateTime/of 2020 3 31 9 0)) ;=> 1
(hash (LocalDateTime/of 2020 1 2 3 4)) ;=> 1937271368
(str (LocalDateTime/ofInstant (Instant/ofEpochSecond 0) (ZoneId/of "Asia/Tokyo"))) ;=> "1970-01-01T09:00"
(str (ZonedDateTime/of 2020 7 1 12 0 0 0 (ZoneId/of "America/New_York"))) ;=> "2020-07-01T12:00-04:00[America/New_York]"
(str (ZonedDateTime/of 2050 7 1 12 0 0 0 (ZoneId/of "America/New_York"))) ;=> "2050-07-01T12:00-04:00[America/New_York]"
(str (ZonedDateTime/of 2050 1 1 12 0 0 0 (ZoneId/of "Europe/London"))) ;=> "2050-01-01T12:00Z[Europe/London]"
(str (ZonedDateTime/of 1880 1 1 12 0 0 0 (ZoneId/of "Europe/Paris"))) ;=> "1880-01-01T12:00+00:09:21[Europe/Paris]"
(str (ZonedDateTime/of 2050 7 1 12 0 0 0 (ZoneId/of "Australia/Sydney"))) ;=> "2050-07-01T12:00+10:00[Australia/Sydney]"
(str (ZonedDateTime/parse "2020-07-01T12:00:00+02:00[Europe/Paris]")) ;=> "2020-07-01T12:00+02:00[Europe/Paris]"
(str (ZonedDateTime/parse "2020-07-01T12:00:00Z")) ;=> "2020-07-01T12:00Z"
(str (ZonedDateTime/parse "2020-07-01T12:00+05:30")) ;=> "2020-07-01T12:00+05:30"
(let [z (ZonedDateTime/of 2020 7 1 12 30 15 0 (ZoneId/of "America/New_York"))] (map str [(.toInstant z) (.toEpochSecond z) (.toLocalDate z) (.toLocalTime z) (.toLocalDateTime z) (.getZone z) (.getOffset z) (.getHour z) (.getDayOfWeek z) (.toOffsetDateTime z)])) ;=> ("2020-07-01T16:30:15Z" "1593621015" "2020-07-01" "12:30:15" "2020-07-01T12:30:15" "America/New_York" "-04:00" "12" "WEDNESDAY" "2020-07-01T12:30:15-04:00")
(str (.withZoneSameInstant (ZonedDateTime/of 2020 7 1 12 30 15 0 (ZoneId/of "America/New_York")) (ZoneId/of "Asia/Kolkata"))) ;=> "2020-07-01T22:00:15+05:30[Asia/Kolkata]"
(str (.withZoneSameLocal (ZonedDateTime/of 2020 7 1 12 30 15 0 (ZoneId/of "America/New_York")) (ZoneId/of "Asia/Kolkata"))) ;=> "2020-07-01T12:30:15+05:30[Asia/Kolkata]"
(str (.plusDays (ZonedDateTime/of 2020 3 28 2 30 0 0 (ZoneId/of "Europe/Paris")) 1)) ;=> "2020-03-29T03:30+02:00[Europe/Paris]"
(str (.plusHours (ZonedDateTime/of 2020 3 28 2 30 0 0 (ZoneId/of "Europe/Paris")) 24)) ;=> "2020-03-29T03:30+02:00[Europe/Paris]"
(str (.plusHours (ZonedDateTime/of 2020 10 25 1 30 0 0 (ZoneId/of "Europe/Paris")) 2)) ;=> "2020-10-25T02:30+01:00[Europe/Paris]"
(str (.truncatedTo (ZonedDateTime/of 2020 10 25 2 30 0 0 (ZoneId/of "Europe/Paris")) ChronoUnit/DAYS)) ;=> "2020-10-25T00:00+02:00[Europe/Paris]"
(.between ChronoUnit/DAYS (ZonedDateTime/of 2020 3 28 12 0 0 0 (ZoneId/of "Europe/Paris")) (ZonedDateTime/of 2020 3 29 12 0 0 0 (ZoneId/of "Europe/Paris"))) ;=> 1
(.between ChronoUnit/HOURS (ZonedDateTime/of 2020 3 28 12 0 0 0 (ZoneId/of "Europe/Paris")) (ZonedDateTime/of 2020 3 29 12 0 0 0 (ZoneId/of "Europe/Paris"))) ;=> 23
(hash (ZonedDateTime/of 2020 3 28 12 0 0 0 (ZoneId/of "Europe/Paris"))) ;=> -137019536
(str (OffsetDateTime/parse "2020-07-01T12:00:00+02:00")) ;=> "2020-07-01T12:00+02:00"
(str (OffsetDateTime/of 2020 7 1 12 0 0 0 (ZoneOffset/of "-03:30"))) ;=> "2020-07-01T12:00-03:30"
(str (.toInstant (OffsetDateTime/parse "2020-07-01T12:00:00+02:00"))) ;=> "2020-07-01T10:00:00Z"
(OffsetDateTime/parse "2020-07-01T12:00:00") ;!> argument
(str (ZoneId/of "Z")) ;=> "Z"
(str (ZoneId/of "+2")) ;=> "+02:00"
(str (ZoneId/of "UTC+02:00")) ;=> "UTC+02:00"
(str (ZoneId/of "GMT")) ;=> "GMT"
(ZoneId/of "Foo/Bar") ;!> argument
(ZoneId/of "a b") ;!> argument
(ZoneOffset/of "x") ;!> argument
(str (ZoneOffset/ofHoursMinutes -3 -30)) ;=> "-03:30"
(.getTotalSeconds (ZoneOffset/ofHours 2)) ;=> 7200
(ZoneOffset/ofHours 20) ;!> argument
(str (Year/of 2020)) ;=> "2020"
(str (YearMonth/of 2020 2)) ;=> "2020-02"
(str (YearMonth/parse "2020-02")) ;=> "2020-02"
(str (.atEndOfMonth (YearMonth/of 2020 2))) ;=> "2020-02-29"
(str (.plusMonths (YearMonth/of 2020 12) 2)) ;=> "2021-02"
(.lengthOfMonth (YearMonth/of 2020 2)) ;=> 29
(str DayOfWeek/MONDAY) ;=> "MONDAY"
(.getValue DayOfWeek/SUNDAY) ;=> 7
(str (.plus DayOfWeek/SUNDAY 1)) ;=> "MONDAY"
(str (DayOfWeek/of 3)) ;=> "WEDNESDAY"
(str (DayOfWeek/from (LocalDate/of 2020 2 29))) ;=> "SATURDAY"
(.getDisplayName DayOfWeek/MONDAY java.time.format.TextStyle/SHORT java.util.Locale/ENGLISH) ;=> "Mon"
(str (Month/of 3)) ;=> "MARCH"
(.getValue Month/MARCH) ;=> 3
(= Month/MARCH (Month/of 3)) ;=> true
(case (str (.getMonth (LocalDate/of 2020 3 1))) "MARCH" 1 2) ;=> 1
(str ChronoUnit/HALF_DAYS) ;=> "HalfDays"
(.name ChronoUnit/HALF_DAYS) ;=> "HALF_DAYS"
(str (.getDuration ChronoUnit/MONTHS)) ;=> "PT730H29M6S"
(str ChronoField/DAY_OF_MONTH) ;=> "DayOfMonth"
(.name ChronoField/DAY_OF_MONTH) ;=> "DAY_OF_MONTH"
(map #(.format (ZonedDateTime/of 2020 7 1 12 30 15 0 (ZoneId/of "America/New_York")) (DateTimeFormatter/ofPattern %)) ["X" "XX" "XXX" "XXXX" "XXXXX" "x" "xx" "xxx" "Z" "ZZZZ" "ZZZZZ" "O" "OOOO" "VV" "yyyy-MM-dd'T'HH:mm:ssXXX'['VV']'"]) ;=> ("-04" "-0400" "-04:00" "-0400" "-04:00" "-04" "-0400" "-04:00" "-0400" "GMT-04:00" "-04:00" "GMT-4" "GMT-04:00" "America/New_York" "2020-07-01T12:30:15-04:00[America/New_York]")
(map #(.format (ZonedDateTime/of 2020 7 1 12 30 15 0 ZoneOffset/UTC) (DateTimeFormatter/ofPattern %)) ["X" "XX" "XXX" "x" "xx" "xxx" "Z" "ZZZZ" "ZZZZZ" "O" "VV"]) ;=> ("Z" "Z" "Z" "+00" "+0000" "+00:00" "+0000" "GMT" "Z" "GMT" "Z")
(.format DateTimeFormatter/ISO_LOCAL_TIME (LocalTime/of 7 5)) ;=> "07:05:00"
(.format DateTimeFormatter/ISO_LOCAL_DATE (LocalTime/of 7 5)) ;!> argument
(.format (DateTimeFormatter/ofPattern "HH") (LocalDate/of 2020 1 1)) ;!> argument
(.format (.withZone (DateTimeFormatter/ofPattern "yyyy-MM-dd HH:mm") (ZoneId/of "America/New_York")) (Instant/ofEpochSecond 1600000000)) ;=> "2020-09-13 08:26"
(.format (DateTimeFormatter/ofPattern "yyyy") (Instant/ofEpochSecond 1600000000)) ;!> argument
(DateTimeFormatter/ofPattern "b") ;!> argument
(DateTimeFormatter/ofPattern "ddd") ;!> argument
(DateTimeFormatter/ofPattern "'x") ;!> argument
(DateTimeFormatter/ofPattern "]") ;!> argument
(str (Instant/from (.parse DateTimeFormatter/ISO_OFFSET_DATE_TIME "2020-01-02T03:04:05+01:00"))) ;=> "2020-01-02T02:04:05Z"
(str (ZonedDateTime/parse "2020-01-02T03:04:05Z" (DateTimeFormatter/ofPattern "yyyy-MM-dd'T'HH:mm:ssX"))) ;=> "2020-01-02T03:04:05Z"
(str (LocalDate/parse "2020-01-02T03:04:05Z" DateTimeFormatter/ISO_DATE_TIME)) ;=> "2020-01-02"
(str (LocalDate/parse "Mon, 3 Feb 2020" (DateTimeFormatter/ofPattern "EEE, d MMM yyyy"))) ;=> "2020-02-03"
(LocalDate/parse "Tue, 3 Feb 2020" (DateTimeFormatter/ofPattern "EEE, d MMM yyyy")) ;!> argument
(str (ZonedDateTime/parse "Mon, 3 Feb 2020 03:04:05 GMT" DateTimeFormatter/RFC_1123_DATE_TIME)) ;=> "2020-02-03T03:04:05Z"
(str (.toInstant #inst "2020-01-01")) ;=> "2020-01-01T00:00:00Z"
(java.util.Date/from (Instant/ofEpochMilli 1500)) ;=> #inst "1970-01-01T00:00:01.500-00:00"
(.foo (Instant/ofEpochSecond 1)) ;!> argument
(str (LocalDate/from (ZonedDateTime/of 2020 7 1 12 30 15 0 ZoneOffset/UTC))) ;=> "2020-07-01"
(LocalDate/from (LocalTime/of 1 2)) ;!> argument
(.toString (LocalDate/of 2020 1 1)) ;=> "2020-01-01"
(.equals (LocalDate/of 2020 1 1) (LocalDate/of 2020 1 1)) ;=> true
(.hashCode (LocalDate/of 2020 1 1)) ;=> 4137025
(instance? java.time.temporal.Temporal (LocalDate/of 2020 1 1)) ;=> true
(.isSupported (LocalDate/of 2020 1 1) ChronoField/HOUR_OF_DAY) ;=> false
(try (LocalDate/parse "x") (catch java.time.format.DateTimeParseException e :caught)) ;=> :caught
(try (LocalDate/of 2020 13 1) (catch java.time.DateTimeException e :caught)) ;=> :caught
