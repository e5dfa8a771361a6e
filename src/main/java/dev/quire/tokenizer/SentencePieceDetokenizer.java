package dev.quire.tokenizer;

/**
 * SentencePiece-like vocabularies: pieces of whole characters, byte tokens between them, and a leading space that
 * belongs to the encoding and not to the text.
 *
 * <p>A character of a run of byte tokens is handed out as soon as it is complete. When the run goes wrong, each byte of
 * it since the last complete character becomes one U+FFFD.
 */
final class SentencePieceDetokenizer implements IncrementalDetokenizer {
    private final Vocabulary vocabulary;
    private final TokenDecoder decoder;
    private final boolean skipSpecialTokens;
    private final Utf8Text text;

    /** Bytes of the current run since its last complete character. */
    private int numOpenBytes;

    private boolean runIsInvalid;
    private boolean atStart = true;

    SentencePieceDetokenizer(Vocabulary vocabulary, TokenDecoder decoder, int[] promptIds, boolean skipSpecialTokens) {
        this.vocabulary = vocabulary;
        this.decoder = decoder;
        this.skipSpecialTokens = skipSpecialTokens;
        this.text = new Utf8Text(decoder.strippedChar(), decoder.numStripped());
        continueFrom(promptIds);
    }

    /** The first tokens decide about leading spaces, the last run of byte tokens about an open character. */
    private void continueFrom(int[] promptIds) {
        int numRead = 0;
        while (numRead < promptIds.length && (atStart || !text.stripDone())) {
            append(promptIds[numRead++]);
        }
        int first = promptIds.length;
        while (first > numRead && (isSkipped(promptIds[first - 1]) || vocabulary.isByteToken(promptIds[first - 1]))) {
            first--;
        }
        if (first > numRead) {
            endRun();
        }
        for (int i = first; i < promptIds.length; i++) {
            append(promptIds[i]);
        }
        text.clear();
    }

    @Override
    public void append(int id) {
        if (isSkipped(id)) {
            return;
        }
        if (vocabulary.isByteToken(id)) {
            appendToRun(vocabulary.firstByte(id));
        } else {
            endRun();
            if (atStart && decoder.dropsFirstMarkers()) {
                vocabulary.appendBytesWithoutMarkers(id, text);
            } else {
                vocabulary.appendBytes(id, text);
            }
        }
        atStart = false;
    }

    /** Ids without a token do not exist for the decoder: they do not even end a run. */
    private boolean isSkipped(int id) {
        return !vocabulary.contains(id) || skipSpecialTokens && vocabulary.isSpecial(id);
    }

    private void appendToRun(int unsignedByte) {
        numOpenBytes++;
        if (runIsInvalid || !text.accepts(unsignedByte)) {
            runIsInvalid = true;
            replaceOpenBytes();
            return;
        }
        text.append(unsignedByte);
        if (!text.insideCharacter()) {
            numOpenBytes = 0;
        }
    }

    private void endRun() {
        replaceOpenBytes();
        runIsInvalid = false;
    }

    private void replaceOpenBytes() {
        text.dropCharacter();
        for (; numOpenBytes > 0; numOpenBytes--) {
            text.put(Utf8Text.REPLACEMENT);
        }
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
        endRun();
    }
}
