package dev.quire.server.config;

import java.math.BigDecimal;
import org.eclipse.microprofile.config.spi.Converter;

/**
 * A whole number, plain or with a unit: {@code k m g t} count in thousands, {@code K M G T} in 1024ths, {@code KiB} …
 * {@code TiB} and {@code kB} … {@code TB} likewise; {@code auto} is -1. A fraction is allowed when the unit makes it
 * whole, as in {@code 25.6k}.
 *
 * <p>Throws {@link IllegalArgumentException} naming the text when it is none of these.
 */
public final class HumanReadableNumber implements Converter<Long> {
    private static final long serialVersionUID = 1L;
    private static final String DECIMAL_UNITS = "kmgt";
    private static final String BINARY_UNITS = "KMGT";

    @Override
    public Long convert(String text) {
        return parse(text);
    }

    /** The number that {@code text} means. */
    public static long parse(String text) {
        String trimmed = text.trim();
        if (trimmed.equals("auto")) {
            return -1;
        }
        int digits = trimmed.length();
        while (digits > 0 && Character.isLetter(trimmed.charAt(digits - 1))) {
            digits--;
        }
        try {
            return new BigDecimal(trimmed.substring(0, digits).trim())
                    .multiply(BigDecimal.valueOf(unit(trimmed.substring(digits))))
                    .longValueExact();
        } catch (ArithmeticException | NumberFormatException e) {
            throw new IllegalArgumentException("\"" + text + "\" is not a whole number such as 4096, 32k or 4GiB", e);
        }
    }

    private static long unit(String suffix) {
        if (suffix.isEmpty()) {
            return 1;
        }
        boolean bytes = suffix.endsWith("B");
        boolean binary = suffix.endsWith("iB");
        String letter = suffix.substring(0, suffix.length() - (binary ? 2 : bytes ? 1 : 0));
        if (letter.length() != 1) {
            throw new NumberFormatException("unknown unit " + suffix);
        }
        int decimalPower = DECIMAL_UNITS.indexOf(bytes ? Character.toLowerCase(letter.charAt(0)) : letter.charAt(0));
        int binaryPower = BINARY_UNITS.indexOf(letter);
        if (binary || (!bytes && binaryPower >= 0)) {
            if (binaryPower < 0) {
                throw new NumberFormatException("unknown unit " + suffix);
            }
            return 1L << (10 * (binaryPower + 1));
        }
        if (decimalPower < 0) {
            throw new NumberFormatException("unknown unit " + suffix);
        }
        return (long) Math.pow(1000, decimalPower + 1);
    }
}
