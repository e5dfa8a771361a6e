package dev.quire.tokenizer;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** All tokens of a tokenizer: for each id its piece, the bytes that it adds to a text, and whether it is special. */
final class Vocabulary {
    private static final byte[] NO_BYTES = {};

    /** A token added to the model's vocabulary; it takes the place of a piece with the same id. */
    record AddedToken(int id, String content, boolean special) {}

    private final TokenDecoder decoder;
    private final @Nullable String[] pieces;

    /** The bytes of all tokens in id order; those of an id start at {@code byteStarts[id]}. */
    private final byte[] bytes;

    private final int[] byteStarts;
    private final BitSet special = new BitSet();
    private final BitSet byteTokens = new BitSet();

    /** Open addressing from a piece's hash to its id; −1 is free. */
    private final int[] idSlots;

    /**
     * @param vocabularyPieces the model's piece of each id, null where it has none; not kept
     */
    Vocabulary(@Nullable String[] vocabularyPieces, List<AddedToken> addedTokens, TokenDecoder decoder) {
        this.decoder = decoder;
        int size = vocabularyPieces.length;
        for (AddedToken token : addedTokens) {
            size = Math.max(size, token.id() + 1);
        }
        pieces = Arrays.copyOf(vocabularyPieces, size);
        for (AddedToken token : addedTokens) {
            pieces[token.id()] = token.content();
            special.set(token.id(), token.special());
        }
        idSlots = new int[Integer.highestOneBit(Math.max(size, 1)) * 4];
        Arrays.fill(idSlots, -1);
        addedTokens.forEach(token -> index(token.id()));
        byteStarts = new int[size + 1];
        byte[] all = new byte[8 * size + 16];
        int end = 0;
        for (int id = 0; id < size; id++) {
            String piece = pieces[id];
            byteStarts[id] = end;
            if (piece != null) {
                index(id);
                byteTokens.set(id, decoder.isByteToken(piece));
                byte[] added = decoder.bytesOf(piece);
                all = end + added.length > all.length ? Arrays.copyOf(all, 2 * (end + added.length)) : all;
                System.arraycopy(added, 0, all, end, added.length);
                end += added.length;
            }
        }
        byteStarts[size] = end;
        bytes = Arrays.copyOf(all, end);
    }

    private void index(int id) {
        int slot = slotOf(String.valueOf(pieces[id]));
        if (idSlots[slot] < 0) {
            idSlots[slot] = id;
        }
    }

    /** The slot that holds this piece, or the free one where it belongs. */
    private int slotOf(String piece) {
        int hash = piece.hashCode();
        int slot = (hash ^ hash >>> 16) & idSlots.length - 1;
        while (idSlots[slot] >= 0 && !piece.equals(pieces[idSlots[slot]])) {
            slot = slot + 1 & idSlots.length - 1;
        }
        return slot;
    }

    int size() {
        return pieces.length;
    }

    boolean contains(int id) {
        return id >= 0 && id < pieces.length && pieces[id] != null;
    }

    String piece(int id) {
        return contains(id) ? String.valueOf(pieces[id]) : "";
    }

    int idOf(String piece) {
        return idSlots[slotOf(piece)];
    }

    boolean isSpecial(int id) {
        return id >= 0 && special.get(id);
    }

    /** Whether the token spells a single byte, as {@code <0x0A>} does where the decoder knows such tokens. */
    boolean isByteToken(int id) {
        return id >= 0 && byteTokens.get(id);
    }

    int firstByte(int id) {
        return bytes[byteStarts[id]] & 0xFF;
    }

    int numBytes(int id) {
        return contains(id) ? byteStarts[id + 1] - byteStarts[id] : 0;
    }

    byte[] bytes(int id) {
        return contains(id) ? Arrays.copyOfRange(bytes, byteStarts[id], byteStarts[id + 1]) : NO_BYTES;
    }

    void appendBytes(int id, Utf8Text text) {
        if (contains(id)) {
            text.append(bytes, byteStarts[id], byteStarts[id + 1]);
        }
    }

    void appendBytesWithoutMarkers(int id, Utf8Text text) {
        byte[] rest = decoder.bytesWithoutMarkers(piece(id));
        text.append(rest, 0, rest.length);
    }
}
