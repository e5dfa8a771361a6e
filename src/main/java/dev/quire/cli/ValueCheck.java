package dev.quire.cli;

import dev.quire.server.config.HumanReadableNumber;
import java.util.List;
import java.util.Locale;

/** Turns what was typed into the text a configuration key takes, or says what would have been right. */
@FunctionalInterface
interface ValueCheck {
    /** @throws IllegalArgumentException with a message that completes "--flag …" */
    String checked(String text);

    /** Any text that is not empty. */
    static ValueCheck text() {
        return text -> {
            require(!text.isBlank(), "must not be empty");
            return text;
        };
    }

    /** A whole number in [min, max]. */
    static ValueCheck integer(long min, long max) {
        return text -> {
            try {
                long value = Long.parseLong(text.trim());
                require(value >= min && value <= max, range(min, max) + ", got " + text);
                return Long.toString(value);
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException(range(min, max) + ", got \"" + text + "\"", e);
            }
        };
    }

    /** A whole number of at least {@code min}, also with a unit such as 32k or 4GiB. */
    static ValueCheck number(long min) {
        return text -> {
            long value;
            try {
                value = HumanReadableNumber.parse(text);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(
                        "must be a whole number such as 4096, 32k or 4GiB, got \"" + text + "\"", e);
            }
            require(value >= min, "must be at least " + min + ", got " + text);
            return Long.toString(value);
        };
    }

    /** A decimal number in [min, max]. */
    static ValueCheck decimal(double min, double max) {
        return text -> {
            double value;
            try {
                value = Double.parseDouble(text.trim());
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("must be a number, got \"" + text + "\"", e);
            }
            // Written so that NaN fails too.
            require(value >= min && value <= max, "must be between " + min + " and " + max + ", got " + text);
            return text.trim();
        };
    }

    /** One of the words. */
    static ValueCheck choice(List<String> words) {
        return text -> {
            require(words.contains(text), "must be one of " + String.join(", ", words) + ", got \"" + text + "\"");
            return text;
        };
    }

    /** {@code true} or {@code false}. */
    static ValueCheck onOff() {
        return text -> switch (text.trim().toLowerCase(Locale.ROOT)) {
            case "true", "1", "yes", "on" -> "true";
            case "false", "0", "no", "off" -> "false";
            default -> throw new IllegalArgumentException("must be true or false, got \"" + text + "\"");
        };
    }

    private static String range(long min, long max) {
        if (max == Long.MAX_VALUE || max == Integer.MAX_VALUE) {
            return min == Long.MIN_VALUE ? "must be a whole number" : "must be a whole number of at least " + min;
        }
        return "must be a whole number from " + min + " to " + max;
    }

    private static void require(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException(message);
        }
    }
}
