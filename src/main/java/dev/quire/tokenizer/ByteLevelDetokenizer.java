package dev.quire.tokenizer;

/** Byte-level vocabularies: the text is the UTF-8 decoding of all tokens' bytes, one after the other. */
final class ByteLevelDetokenizer implements IncrementalDetokenizer {
    private static final int MAX_OPEN_BYTES = 3;

    private final Vocabulary vocabulary;
    private final boolean skipSpecialTokens;
    private final Utf8Text text = new Utf8Text(' ', 0);

    ByteLevelDetokenizer(Vocabulary vocabulary, int[] promptIds, boolean skipSpecialTokens) {
        this.vocabulary = vocabulary;
        this.skipSpecialTokens = skipSpecialTokens;
        continueFrom(promptIds);
    }

    /** Only a character that the prompt leaves open matters, so its last few bytes are enough. */
    private void continueFrom(int[] promptIds) {
        int first = promptIds.length;
        for (int numBytes = 0; first > 0 && numBytes < MAX_OPEN_BYTES; ) {
            int id = promptIds[--first];
            numBytes += skips(id) ? 0 : vocabulary.numBytes(id);
        }
        for (int i = first; i < promptIds.length; i++) {
            append(promptIds[i]);
        }
        text.clear();
    }

    @Override
    public void append(int id) {
        if (!skips(id)) {
            vocabulary.appendBytes(id, text);
        }
    }

    private boolean skips(int id) {
        return skipSpecialTokens && vocabulary.isSpecial(id);
    }

    @Override
    public boolean hasText() {
        return !text.isEmpty();
    }

    @Override
    public String takeText() {
        return text.take();
    }

    @Override
    public void finish() {
        text.finish();
    }
}
