#include "base/clock.h"

#include "base/err.h"

#include <time.h>

#define US_PER_SECOND INT64_C(1000000)
#define DAY_SECONDS   INT64_C(86400)
#define YEAR_0_START  (INT64_C(-62167219200)) /* 0000-01-01T00:00:00Z */
#define YEAR_9999_END INT64_C(253402300799)   /* 9999-12-31T23:59:59Z */

static int64_t read_clock(clockid_t which)
{
    struct timespec now;
    (void)clock_gettime(which, &now); /* cannot fail for these two clocks */
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_us(void)
{
    return read_clock(CLOCK_REALTIME);
}

struct timespec clock_mono_after(int64_t us)
{
    int64_t at = clock_mono_us() + us;
    return (struct timespec){.tv_sec = at / 1000000, .tv_nsec = at % 1000000 * 1000};
}

void clock_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    must(pthread_condattr_init(&attr) == 0 && pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    must(pthread_cond_init(cond, &attr) == 0);
    (void)pthread_condattr_destroy(&attr);
}

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar. Years are counted from March, in eras of
 * 400 years (146097 days), so that the leap day is the last of its year. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

struct civil {
    int64_t year, month, day, weekday; /* weekday: 0 = Sunday */
    int64_t hour, minute, second;
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static struct civil civil_from_seconds(int64_t seconds)
{
    int64_t days = floor_div(seconds, DAY_SECONDS);
    int64_t rest = seconds - days * DAY_SECONDS;
    int64_t shifted = days + 719468;
    int64_t era = floor_div(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;
    int64_t month = shifted_month + (shifted_month < 10 ? 3 : -9);
    int64_t weekday = (days + 4) % 7; /* 1970-01-01 was a Thursday */
    return (struct civil){
        .year = year_of_era + era * 400 + (month <= 2),
        .month = month,
        .day = day_of_year - (153 * shifted_month + 2) / 5 + 1,
        .weekday = weekday < 0 ? weekday + 7 : weekday,
        .hour = rest / 3600,
        .minute = rest / 60 % 60,
        .second = rest % 60,
    };
}

static void put_digits(char *out, size_t width, int64_t value)
{
    for (size_t i = width; i-- > 0; value /= 10)
        out[i] = (char)('0' + value % 10);
}

/* Splits into whole seconds within the years 0–9999 and microseconds within the second. */
static int64_t clamp_seconds(int64_t wall_us, int64_t *micros)
{
    int64_t seconds = floor_div(wall_us, US_PER_SECOND);
    int64_t rest = wall_us % US_PER_SECOND;
    *micros = rest < 0 ? rest + US_PER_SECOND : rest;
    if (seconds < YEAR_0_START) {
        *micros = 0;
        return YEAR_0_START;
    }
    if (seconds > YEAR_9999_END) {
        *micros = US_PER_SECOND - 1;
        return YEAR_9999_END;
    }
    return seconds;
}

void time_format(int64_t wall_us, char out[static TIME_TEXT_LEN])
{
    static _Thread_local int64_t cached_second = INT64_MIN;
    static _Thread_local char cached[] = "0000-00-00T00:00:00.000000Z";

    int64_t micros;
    int64_t seconds = clamp_seconds(wall_us, &micros);
    if (seconds != cached_second) {
        struct civil c = civil_from_seconds(seconds);
        put_digits(cached, 4, c.year);
        put_digits(cached + 5, 2, c.month);
        put_digits(cached + 8, 2, c.day);
        put_digits(cached + 11, 2, c.hour);
        put_digits(cached + 14, 2, c.minute);
        put_digits(cached + 17, 2, c.second);
        cached_second = seconds;
    }
    memcpy(out, cached, TIME_TEXT_LEN);
    put_digits(out + 20, 6, micros);
}

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void http_date_format(int64_t wall_us, char out[static HTTP_DATE_LEN])
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static _Thread_local int64_t cached_second = INT64_MIN;
    static _Thread_local char cached[] = "Thu, 01 Jan 1970 00:00:00 GMT";

    int64_t micros;
    int64_t seconds = clamp_seconds(wall_us, &micros);
    if (seconds != cached_second) {
        struct civil c = civil_from_seconds(seconds);
        memcpy(cached, days[c.weekday], 3);
        put_digits(cached + 5, 2, c.day);
        memcpy(cached + 8, months[c.month - 1], 3);
        put_digits(cached + 12, 4, c.year);
        put_digits(cached + 17, 2, c.hour);
        put_digits(cached + 20, 2, c.minute);
        put_digits(cached + 23, 2, c.second);
        cached_second = seconds;
    }
    memcpy(out, cached, HTTP_DATE_LEN);
}

/* Takes exactly `width` digits off the front. */
static bool take_digits(struct slice *s, size_t width, int64_t *value)
{
    uint64_t number;
    if (s->len < width || !slice_to_u64(slice_of(s->ptr, width), &number))
        return false;
    *value = (int64_t)number;
    s->ptr += width;
    s->len -= width;
    return true;
}

static bool take_char(struct slice *s, const char *set)
{
    if (s->len == 0 || s->ptr[0] == '\0' || !strchr(set, s->ptr[0]))
        return false;
    s->ptr++;
    s->len--;
    return true;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

static bool take_date(struct slice *s, int64_t *days)
{
    int64_t year, month, day;
    if (!take_digits(s, 4, &year) || !take_char(s, "-") || !take_digits(s, 2, &month) || !take_char(s, "-") ||
        !take_digits(s, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    *days = days_from_civil(year, month, day);
    return true;
}

static bool take_time(struct slice *s, int64_t *micros)
{
    int64_t hour, minute, second, fraction = 0;
    if (!take_digits(s, 2, &hour) || !take_char(s, ":") || !take_digits(s, 2, &minute) || !take_char(s, ":") ||
        !take_digits(s, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 60) /* 60: a leap second */
        return false;
    if (take_char(s, ".")) {
        int64_t unit = US_PER_SECOND / 10, digit;
        if (!take_digits(s, 1, &digit))
            return false;
        do {
            fraction += digit * unit; /* digits past the sixth have unit 0 */
            unit /= 10;
        } while (take_digits(s, 1, &digit));
    }
    *micros = ((hour * 60 + minute) * 60 + second) * US_PER_SECOND + fraction;
    return true;
}

static bool take_zone(struct slice *s, int64_t *offset_us)
{
    *offset_us = 0;
    if (s->len == 0 || take_char(s, "Zz"))
        return true;
    bool west = s->ptr[0] == '-';
    int64_t hour, minute;
    if (!take_char(s, "+-") || !take_digits(s, 2, &hour) || (take_char(s, ":"), !take_digits(s, 2, &minute)))
        return false;
    if (hour > 23 || minute > 59)
        return false;
    *offset_us = (hour * 60 + minute) * 60 * US_PER_SECOND * (west ? -1 : 1);
    return true;
}

static bool take_word(struct slice *s, struct slice word)
{
    if (!slice_starts(*s, word))
        return false;
    *s = slice_of(s->ptr + word.len, s->len - word.len);
    return true;
}

/* "Tue, 24 Nov 2026 ", of RFC 1123: the day's name may be missing, and says nothing that the date does not. */
static bool take_named_date(struct slice *s, int64_t *days)
{
    int64_t day, year, month = 0;
    const char *comma = s->len > 4 && s->ptr[3] == ',' ? s->ptr + 4 : s->ptr;
    *s = slice_trim(slice_of(comma, s->len - (size_t)(comma - s->ptr)), " ");
    if ((!take_digits(s, 2, &day) && !take_digits(s, 1, &day)) || !take_char(s, " "))
        return false;
    while (month < 12 && !take_word(s, slice_cstr(months[month])))
        month++;
    if (month++ == 12 || !take_char(s, " ") || !take_digits(s, 4, &year) || !take_char(s, " "))
        return false;
    if (day < 1 || day > days_in_month(year, month))
        return false;
    *days = days_from_civil(year, month, day);
    return true;
}

static bool take_named_zone(struct slice *s, int64_t *offset_us)
{
    *offset_us = 0;
    if (!take_char(s, " "))
        return s->len == 0;
    return take_word(s, SLICE_LIT("GMT")) || take_word(s, SLICE_LIT("UTC")) || take_word(s, SLICE_LIT("UT")) ||
           take_zone(s, offset_us);
}

bool time_parse(struct slice text, int64_t *wall_us)
{
    int64_t days, micros = 0, offset_us = 0;
    struct slice rest = text;
    bool good = take_date(&rest, &days);
    if (good && rest.len > 0)
        good = take_char(&rest, "Tt ") && take_time(&rest, &micros) && take_zone(&rest, &offset_us);
    if (!good) {
        rest = text;
        good = take_named_date(&rest, &days) && take_time(&rest, &micros) && take_named_zone(&rest, &offset_us);
    }
    if (!good || rest.len != 0)
        return false;
    *wall_us = days * DAY_SECONDS * US_PER_SECOND + micros - offset_us;
    return true;
}
