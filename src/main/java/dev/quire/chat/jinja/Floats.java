package dev.quire.chat.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;

/** Text of floats as Python writes them. */
final class Floats {
    private Floats() {}

    /** The shortest decimal that reads back as {@code d}, with {@code .0} or an exponent. */
    static String repr(double d) {
        if (Double.isNaN(d)) {
            return "nan";
        }
        if (Double.isInfinite(d)) {
            return d > 0 ? "inf" : "-inf";
        }
        if (d == 0) {
            return isNegative(d) ? "-0.0" : "0.0";
        }
        BigDecimal shortest = shortest(Math.abs(d));
        String digits = shortest.unscaledValue().toString();
        int exponent = digits.length() - 1 - shortest.scale();
        String sign = isNegative(d) ? "-" : "";
        if (exponent < -4 || exponent >= 16) {
            return sign + scientific(digits, exponent, 'e');
        }
        String plain = shortest.toPlainString();
        return sign + (plain.indexOf('.') < 0 ? plain + ".0" : plain);
    }

    private static boolean isNegative(double d) {
        return Math.copySign(1, d) < 0;
    }

    /** The fewest digits that still round to {@code d}; Double.toString gives one too many on JDK 17. */
    private static BigDecimal shortest(double d) {
        BigDecimal exact = new BigDecimal(d);
        // Every decimal of 15 digits survives, except among the subnormal numbers.
        int first = d < Double.MIN_NORMAL ? 1 : 15;
        for (int precision = first; precision < 17; precision++) {
            BigDecimal rounded = exact.round(new MathContext(precision, RoundingMode.HALF_EVEN));
            if (rounded.doubleValue() == d) {
                return rounded.stripTrailingZeros();
            }
        }
        return exact.round(new MathContext(17, RoundingMode.HALF_EVEN)).stripTrailingZeros();
    }

    private static String scientific(String digits, int exponent, char e) {
        String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
        int size = Math.abs(exponent);
        return mantissa + e + (exponent < 0 ? '-' : '+') + (size < 10 ? "0" : "") + size;
    }

    /**
     * The digits of {@code |d|} for one of the presentation types e, f, g (upper case too); the caller adds the sign.
     *
     * @param alternate keeps the trailing zeros of g and the point of a whole number
     */
    static String format(double d, char type, int precision, boolean alternate) {
        boolean upper = Character.isUpperCase(type);
        if (Double.isNaN(d) || Double.isInfinite(d)) {
            String name = Double.isNaN(d) ? "nan" : "inf";
            return upper ? Text.upper(name) : name;
        }
        BigDecimal exact = new BigDecimal(Math.abs(d));
        char e = upper ? 'E' : 'e';
        String text =
                switch (Character.toLowerCase(type)) {
                    case 'f' ->
                        exact.setScale(precision, RoundingMode.HALF_EVEN).toPlainString();
                    case 'e' -> exponential(exact, precision, e);
                    default -> general(exact, precision == 0 ? 1 : precision, e, alternate);
                };
        return alternate && text.indexOf('.') < 0 ? withPoint(text, e) : text;
    }

    private static String withPoint(String text, char e) {
        int at = text.indexOf(e);
        return at < 0 ? text + "." : text.substring(0, at) + "." + text.substring(at);
    }

    private static BigDecimal significant(BigDecimal exact, int digits) {
        return exact.round(new MathContext(digits, RoundingMode.HALF_EVEN));
    }

    private static String exponential(BigDecimal exact, int precision, char e) {
        if (exact.signum() == 0) {
            return scientific("0".repeat(precision + 1), 0, e);
        }
        BigDecimal rounded = significant(exact, precision + 1);
        BigInteger unscaled = rounded.unscaledValue();
        String digits = unscaled.toString();
        int exponent = digits.length() - 1 - rounded.scale();
        return scientific(digits + "0".repeat(precision + 1 - digits.length()), exponent, e);
    }

    private static String general(BigDecimal exact, int precision, char e, boolean alternate) {
        if (exact.signum() == 0) {
            return alternate && precision > 1 ? "0." + "0".repeat(precision - 1) : "0";
        }
        BigDecimal rounded = significant(exact, precision);
        int exponent = rounded.precision() - 1 - rounded.scale();
        BigDecimal shown = alternate ? rounded.setScale(precision - 1 - exponent) : rounded.stripTrailingZeros();
        if (exponent < -4 || exponent >= precision) {
            return scientific(shown.unscaledValue().toString(), exponent, e);
        }
        return shown.toPlainString();
    }
}
