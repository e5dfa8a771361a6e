package dev.quire.frontend;

import dev.quire.tokenizer.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** A tokenizer for tests: one token a UTF-8 byte, and three special tokens. */
public final class ByteTokenizer implements Tokenizer {
    public static final int BOS = 256;
    public static final int EOS = 257;
    public static final int TURN = 258;
    public static final int VOCAB_SIZE = 259;
    private static final String[] SPECIAL = {"<bos>", "<eos>", "<turn>"};

    @Override
    public int[] encode(String text, boolean addSpecialTokens) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int shift = addSpecialTokens ? 1 : 0;
        int[] ids = new int[bytes.length + shift];
        if (addSpecialTokens) {
            ids[0] = BOS;
        }
        for (int i = 0; i < bytes.length; i++) {
            ids[i + shift] = bytes[i] & 0xFF;
        }
        return ids;
    }

    @Override
    public String decode(int[] ids, int from, int to, boolean skipSpecialTokens) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = from; i < to; i++) {
            if (!skipSpecialTokens || !isSpecial(ids[i])) {
                bytes.writeBytes(tokenBytes(ids[i]));
            }
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Override
    public int vocabSize() {
        return VOCAB_SIZE;
    }

    @Override
    public String idToToken(int id) {
        return isSpecial(id) ? SPECIAL[id - BOS] : new String(new byte[] {(byte) id}, StandardCharsets.ISO_8859_1);
    }

    @Override
    public int tokenToId(String token) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean isSpecial(int id) {
        return id >= BOS;
    }

    @Override
    public byte[] tokenBytes(int id) {
        return isSpecial(id) ? SPECIAL[id - BOS].getBytes(StandardCharsets.UTF_8) : new byte[] {(byte) id};
    }
}
