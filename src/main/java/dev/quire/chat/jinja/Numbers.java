package dev.quire.chat.jinja;

import dev.quire.chat.jinja.Expr.BinaryOperator;
import dev.quire.chat.jinja.TemplateException.Kind;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import org.jspecify.annotations.Nullable;

/** Python's int and float: integers of any size, kept as Long while they fit. */
final class Numbers {
    private static final BigInteger MIN_LONG = BigInteger.valueOf(Long.MIN_VALUE);
    private static final BigInteger MAX_LONG = BigInteger.valueOf(Long.MAX_VALUE);
    /** Bits of the largest integer a template may compute. */
    private static final int MAX_BITS = 1 << 16;

    private Numbers() {}

    static Object integer(BigInteger value) {
        return value.compareTo(MIN_LONG) >= 0 && value.compareTo(MAX_LONG) <= 0 ? (Object) value.longValue() : value;
    }

    static BigInteger big(Object integer) {
        return integer instanceof BigInteger big ? big : BigInteger.valueOf(small(integer));
    }

    /** The value of a Boolean or Long. */
    private static long small(Object integer) {
        return integer instanceof Boolean bool ? (bool ? 1 : 0) : (Long) integer;
    }

    static double real(Object number) {
        if (number instanceof Double d) {
            return d;
        }
        if (number instanceof BigInteger big) {
            double d = big.doubleValue();
            if (Double.isInfinite(d)) {
                throw new TemplateException(Kind.OVERFLOW, "int too large to convert to float");
            }
            return d;
        }
        return small(number);
    }

    static int signum(Object number) {
        return number instanceof Double d
                ? (int) (Double.isNaN(d) ? 1 : Math.signum(d))
                : number instanceof BigInteger big ? big.signum() : Long.signum(small(number));
    }

    /** An integer argument; saturates, because no index or width is meant beyond a long. */
    static long index(Object value) {
        if (!Values.isInteger(value)) {
            throw TemplateException.type(
                    Repr.repr(Values.typeName(value)) + " object cannot be interpreted as an integer");
        }
        return saturated(value);
    }

    static long saturated(Object integer) {
        return integer instanceof BigInteger big
                ? (big.signum() < 0 ? Long.MIN_VALUE : Long.MAX_VALUE)
                : small(integer);
    }

    /** {@code left operator right} of two numbers, or null when there is no such operation. */
    static @Nullable Object binary(BinaryOperator operator, Object left, Object right) {
        if (!Values.isNumber(left) || !Values.isNumber(right)) {
            return null;
        }
        if (left instanceof Double || right instanceof Double) {
            return ofDoubles(operator, real(left), real(right));
        }
        if (!(left instanceof BigInteger) && !(right instanceof BigInteger)) {
            Object fast = ofLongs(operator, small(left), small(right));
            if (fast != null) {
                return fast;
            }
        }
        return ofBig(operator, big(left), big(right));
    }

    /** Null when the result does not fit, or the general way decides. */
    private static @Nullable Object ofLongs(BinaryOperator operator, long x, long y) {
        switch (operator) {
            case ADD -> {
                long sum = x + y;
                return ((x ^ sum) & (y ^ sum)) < 0 ? null : (Object) sum;
            }
            case SUB -> {
                long difference = x - y;
                return ((x ^ y) & (x ^ difference)) < 0 ? null : (Object) difference;
            }
            case MUL -> {
                long high = Math.multiplyHigh(x, y);
                long low = x * y;
                return high == 0 && low >= 0 || high == -1 && low < 0 ? (Object) low : null;
            }
            case FLOORDIV -> {
                return y == 0 || y == -1 ? null : (Object) Math.floorDiv(x, y);
            }
            case MOD -> {
                return y == 0 ? null : (Object) Math.floorMod(x, y);
            }
            default -> {
                return null;
            }
        }
    }

    private static Object ofBig(BinaryOperator operator, BigInteger x, BigInteger y) {
        return switch (operator) {
            case ADD -> integer(x.add(y));
            case SUB -> integer(x.subtract(y));
            case MUL -> {
                checkBits((long) x.bitLength() + y.bitLength());
                yield integer(x.multiply(y));
            }
            case DIV -> {
                checkZero(y.signum() == 0, "division by zero");
                yield quotient(x, y);
            }
            case FLOORDIV -> {
                checkZero(y.signum() == 0, "integer division or modulo by zero");
                BigInteger[] parts = x.divideAndRemainder(y);
                boolean down = parts[1].signum() != 0 && parts[1].signum() != y.signum();
                yield integer(down ? parts[0].subtract(BigInteger.ONE) : parts[0]);
            }
            case MOD -> {
                checkZero(y.signum() == 0, "integer modulo by zero");
                BigInteger rest = x.remainder(y);
                yield integer(rest.signum() != 0 && rest.signum() != y.signum() ? rest.add(y) : rest);
            }
            case POW -> power(x, y);
        };
    }

    private static double quotient(BigInteger x, BigInteger y) {
        if (x.bitLength() <= 53 && y.bitLength() <= 53) {
            return x.doubleValue() / y.doubleValue();
        }
        double d =
                new BigDecimal(x).divide(new BigDecimal(y), new MathContext(60)).doubleValue();
        if (Double.isInfinite(d)) {
            throw new TemplateException(Kind.OVERFLOW, "integer division result too large for a float");
        }
        return d;
    }

    private static Object power(BigInteger x, BigInteger y) {
        if (y.signum() < 0) {
            checkZero(x.signum() == 0, "0.0 cannot be raised to a negative power");
            return Math.pow(real(integer(x)), real(integer(y)));
        }
        if (x.abs().bitLength() <= 1) {
            return integer(y.testBit(0) || y.signum() == 0 || x.signum() == 0 ? x.pow(y.signum()) : BigInteger.ONE);
        }
        checkBits(y.bitLength() > 31 ? Long.MAX_VALUE : (long) x.bitLength() * y.longValue());
        return integer(x.pow(y.intValue()));
    }

    private static void checkBits(long bits) {
        if (bits > MAX_BITS) {
            throw new TemplateException(Kind.LIMIT, "template computes an integer of more than " + MAX_BITS + " bits");
        }
    }

    private static void checkZero(boolean zero, String message) {
        if (zero) {
            throw new TemplateException(Kind.ZERO_DIVISION, message);
        }
    }

    private static Object ofDoubles(BinaryOperator operator, double x, double y) {
        switch (operator) {
            case ADD:
                return x + y;
            case SUB:
                return x - y;
            case MUL:
                return x * y;
            case DIV:
                checkZero(y == 0, "float division by zero");
                return x / y;
            case FLOORDIV:
                checkZero(y == 0, "float floor division by zero");
                return Math.floor((x - modulo(x, y)) / y + 0.5);
            case MOD:
                checkZero(y == 0, "float modulo");
                return modulo(x, y);
            default:
                checkZero(x == 0 && y < 0, "0.0 cannot be raised to a negative power");
                return Math.pow(x, y);
        }
    }

    private static double modulo(double x, double y) {
        double rest = x % y;
        if (rest != 0 && (rest < 0) != (y < 0)) {
            return rest + y;
        }
        return rest == 0 ? Math.copySign(0.0, y) : rest;
    }

    static Object negate(Object number) {
        return number instanceof Double d ? (Object) (-d) : integer(big(number).negate());
    }

    static Object abs(Object number) {
        return number instanceof Double d
                ? (Object) Math.abs(d)
                : integer(big(number).abs());
    }

    /** Order of two numbers, exact between integers and floats; not for NaN. */
    static int compare(Object a, Object b) {
        if (a instanceof Long x && b instanceof Long y) {
            return Long.compare(x, y);
        }
        if (a instanceof Double x && b instanceof Double y) {
            return x < y ? -1 : x > y ? 1 : 0;
        }
        if (a instanceof Double x && Double.isInfinite(x)) {
            return x > 0 ? 1 : -1;
        }
        if (b instanceof Double y && Double.isInfinite(y)) {
            return y > 0 ? -1 : 1;
        }
        return exact(a).compareTo(exact(b));
    }

    static boolean isNan(Object value) {
        return value instanceof Double d && Double.isNaN(d);
    }

    private static BigDecimal exact(Object number) {
        return number instanceof Double d ? new BigDecimal(d) : new BigDecimal(big(number));
    }

    /** Python's {@code round}: halves go to the even neighbour; a float stays a float. */
    static Object round(Object number, long digits) {
        int scale = (int) Math.max(-400, Math.min(400, digits));
        if (number instanceof Double d) {
            if (Double.isNaN(d) || Double.isInfinite(d)) {
                return d;
            }
            double rounded =
                    new BigDecimal(d).setScale(scale, RoundingMode.HALF_EVEN).doubleValue();
            return Math.copySign(rounded, d);
        }
        return scale >= 0
                ? integer(big(number))
                : integer(new BigDecimal(big(number))
                        .setScale(scale, RoundingMode.HALF_EVEN)
                        .toBigInteger());
    }

    /** The integer part of a float. */
    static Object truncate(double d) {
        if (Double.isNaN(d)) {
            throw TemplateException.value("cannot convert float NaN to integer");
        }
        if (Double.isInfinite(d)) {
            throw new TemplateException(Kind.OVERFLOW, "cannot convert float infinity to integer");
        }
        return integer(new BigDecimal(d).toBigInteger());
    }

    static int radixOfPrefix(char c) {
        return switch (c) {
            case 'x', 'X' -> 16;
            case 'o', 'O' -> 8;
            case 'b', 'B' -> 2;
            default -> 10;
        };
    }

    static BigInteger parseLiteral(String literal) {
        String digits = literal.replace("_", "");
        int radix = digits.length() > 2 && digits.charAt(0) == '0' ? radixOfPrefix(digits.charAt(1)) : 10;
        return new BigInteger(radix == 10 ? digits : digits.substring(2), radix);
    }

    /** {@code int(text, base)}, or null when the text is no such number. */
    static @Nullable Object parseInteger(String text, long base) {
        String digits = Text.strip(text, null, true, true);
        boolean negative = digits.startsWith("-");
        if (negative || digits.startsWith("+")) {
            digits = digits.substring(1);
        }
        boolean prefixed = digits.length() > 2 && digits.charAt(0) == '0';
        int radix = (int) base;
        if (prefixed
                && (base == 0 || base == radixOfPrefix(digits.charAt(1)))
                && radixOfPrefix(digits.charAt(1)) != 10) {
            radix = radixOfPrefix(digits.charAt(1));
            digits = digits.substring(2);
        } else if (base == 0) {
            radix = 10;
        }
        if (radix < 2 || radix > 36 || !isUnderscored(digits, radix) || digits.length() > 4300) {
            return null;
        }
        BigInteger value = new BigInteger(digits.replace("_", ""), radix);
        return integer(negative ? value.negate() : value);
    }

    private static boolean isUnderscored(String digits, int radix) {
        boolean lastDigit = false;
        for (int i = 0; i < digits.length(); i++) {
            boolean digit = Character.digit(digits.charAt(i), radix) >= 0;
            if (!digit && (digits.charAt(i) != '_' || !lastDigit)) {
                return false;
            }
            lastDigit = digit;
        }
        return lastDigit;
    }
}
