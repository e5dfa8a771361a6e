package dev.quire.chat.jinja;

import java.time.ZonedDateTime;
import java.time.format.TextStyle;
import java.time.temporal.ChronoField;
import java.time.temporal.IsoFields;
import java.util.Locale;

/** C's {@code strftime} in the C locale, for {@code strftime_now}. */
final class Strftime {
    private Strftime() {}

    static String format(ZonedDateTime time, String format) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%' || i + 1 == format.length()) {
                out.append(c);
                continue;
            }
            char directive = format.charAt(++i);
            char flag = 0;
            if ((directive == '-' || directive == '_') && i + 1 < format.length()) {
                flag = directive;
                directive = format.charAt(++i);
            }
            out.append(flagged(directive(time, directive), flag));
        }
        return out.toString();
    }

    /** The GNU flags: {@code -} drops the padding of a number, {@code _} makes it spaces. */
    private static String flagged(String text, char flag) {
        if (flag == 0 || text.isEmpty() || !Character.isDigit(text.charAt(text.length() - 1))) {
            return text;
        }
        int zeros = 0;
        while (zeros < text.length() - 1 && (text.charAt(zeros) == '0' || text.charAt(zeros) == ' ')) {
            zeros++;
        }
        return (flag == '_' ? " ".repeat(zeros) : "") + text.substring(zeros);
    }

    private static String directive(ZonedDateTime t, char directive) {
        int hour12 = t.get(ChronoField.CLOCK_HOUR_OF_AMPM);
        int sundayBased = t.getDayOfWeek().getValue() % 7;
        int yday = t.getDayOfYear() - 1;
        return switch (directive) {
            case 'a' -> t.getDayOfWeek().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
            case 'A' -> t.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'b', 'h' ->
                t.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH).substring(0, 3);
            case 'B' -> t.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'c' -> format(t, "%a %b %e %H:%M:%S %Y");
            case 'C' -> padded(t.getYear() / 100, 2, '0');
            case 'd' -> padded(t.getDayOfMonth(), 2, '0');
            case 'D', 'x' -> format(t, "%m/%d/%y");
            case 'e' -> padded(t.getDayOfMonth(), 2, ' ');
            case 'f' -> padded(t.getNano() / 1000, 6, '0');
            case 'F' -> format(t, "%Y-%m-%d");
            case 'g' -> padded(t.get(IsoFields.WEEK_BASED_YEAR) % 100, 2, '0');
            case 'G' -> String.valueOf(t.get(IsoFields.WEEK_BASED_YEAR));
            case 'H' -> padded(t.getHour(), 2, '0');
            case 'I' -> padded(hour12, 2, '0');
            case 'j' -> padded(yday + 1, 3, '0');
            case 'k' -> padded(t.getHour(), 2, ' ');
            case 'l' -> padded(hour12, 2, ' ');
            case 'm' -> padded(t.getMonthValue(), 2, '0');
            case 'M' -> padded(t.getMinute(), 2, '0');
            case 'n' -> "\n";
            case 'p' -> t.getHour() < 12 ? "AM" : "PM";
            case 'P' -> t.getHour() < 12 ? "am" : "pm";
            case 'r' -> format(t, "%I:%M:%S %p");
            case 'R' -> format(t, "%H:%M");
            case 's' -> String.valueOf(t.toEpochSecond());
            case 'S' -> padded(t.getSecond(), 2, '0');
            case 't' -> "\t";
            case 'T', 'X' -> format(t, "%H:%M:%S");
            case 'u' -> String.valueOf(t.getDayOfWeek().getValue());
            case 'U' -> padded((yday + 7 - sundayBased) / 7, 2, '0');
            case 'V' -> padded(t.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR), 2, '0');
            case 'w' -> String.valueOf(sundayBased);
            case 'W' -> padded((yday + 7 - (t.getDayOfWeek().getValue() - 1)) / 7, 2, '0');
            case 'y' -> padded(t.getYear() % 100, 2, '0');
            case 'Y' -> String.valueOf(t.getYear());
            // The reference formats a time without a zone.
            case 'z', 'Z' -> "";
            case '%' -> "%";
            default -> "%" + directive;
        };
    }

    private static String padded(int value, int width, char fill) {
        String text = String.valueOf(value);
        return String.valueOf(fill).repeat(Math.max(0, width - text.length())) + text;
    }
}
