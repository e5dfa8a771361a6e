package dev.quire.tokenizer;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.StampedLock;

/**
 * A model's {@code tokenizer.json}: the native tokenizers library encodes and decodes, tables read from the same file
 * answer the rest.
 *
 * <p>Nothing is truncated or padded, whatever the file says. Calls after {@link #close()} throw {@link
 * IllegalStateException}.
 */
public final class HuggingFaceTokenizer implements Tokenizer, AutoCloseable {
    private static final String FILE = "tokenizer.json";

    private final Vocabulary vocabulary;
    private final TokenDecoder decoder;

    /** Readers use the native tokenizer, the writer frees it. */
    private final StampedLock lock = new StampedLock();

    private long handle;

    private HuggingFaceTokenizer(TokenizerFile.Contents contents, long handle) {
        this.vocabulary = contents.vocabulary();
        this.decoder = contents.decoder();
        this.handle = handle;
    }

    /**
     * Loads {@code tokenizer.json} of a model's directory.
     *
     * @throws IOException with a one-line message that names the file when it is missing or broken
     */
    public static HuggingFaceTokenizer load(Path directory) throws IOException {
        Path file = directory.resolve(FILE);
        if (!Files.isRegularFile(file)) {
            boolean sentencePiece = Files.isRegularFile(directory.resolve("tokenizer.model"));
            throw TokenizerFile.broken(
                    file.toString(),
                    sentencePiece
                            ? "no such file (tokenizer.model alone is not enough; convert it to tokenizer.json)"
                            : "no such file",
                    null);
        }
        try {
            return of(file.toString(), Files.readAllBytes(file));
        } catch (FileSystemException e) {
            throw TokenizerFile.broken(file.toString(), "cannot be read: " + e, e);
        }
    }

    /**
     * Loads the contents of a {@code tokenizer.json}.
     *
     * @param name what error messages call it
     * @throws IOException with a one-line message that starts with {@code name} when it is broken
     */
    public static HuggingFaceTokenizer of(String name, byte[] tokenizerJson) throws IOException {
        // The two readers of the file are independent; together they take about as long as the native one alone. That
        // one stays on this thread, whose context class loader finds the library.
        CompletableFuture<TokenizerFile.Contents> contents =
                CompletableFuture.supplyAsync(() -> readContents(name, tokenizerJson));
        long handle = 0;
        RuntimeException nativeFailure = null;
        try {
            handle = createNative(tokenizerJson);
        } catch (RuntimeException e) {
            nativeFailure = e;
        }
        try {
            HuggingFaceTokenizer tokenizer = new HuggingFaceTokenizer(contents.join(), handle);
            if (nativeFailure == null) {
                handle = 0;
                return tokenizer;
            }
            String reason = Objects.requireNonNullElse(nativeFailure.getMessage(), nativeFailure.toString());
            throw TokenizerFile.broken(name, "the tokenizers library cannot load it: " + reason, nativeFailure);
        } catch (CompletionException e) {
            throw e.getCause() instanceof UncheckedIOException io ? io.getCause() : new IOException(name, e);
        } finally {
            if (handle != 0) {
                TokenizersLibrary.LIB.deleteTokenizer(handle);
            }
        }
    }

    private static TokenizerFile.Contents readContents(String name, byte[] tokenizerJson) {
        try {
            return TokenizerFile.read(name, tokenizerJson);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long createNative(byte[] tokenizerJson) {
        // On a machine with a GPU the library's loader would look for a CUDA build of itself on the network.
        if (System.getProperty("ai.djl.offline") == null) {
            System.setProperty("ai.djl.offline", "true");
        }
        LibUtils.checkStatus();
        TokenizersLibrary library = TokenizersLibrary.LIB;
        long handle = library.createTokenizerFromString(new String(tokenizerJson, StandardCharsets.UTF_8));
        library.disableTruncation(handle);
        library.disablePadding(handle);
        return handle;
    }

    @Override
    public int[] encode(String text, boolean addSpecialTokens) {
        String valid = withoutLoneSurrogates(text);
        TokenizersLibrary library = TokenizersLibrary.LIB;
        long stamp = lock.readLock();
        try {
            long encoding = library.encode(openHandle(), valid, addSpecialTokens);
            try {
                return toInts(library.getTokenIds(encoding));
            } finally {
                library.deleteEncoding(encoding);
            }
        } finally {
            lock.unlockRead(stamp);
        }
    }

    @Override
    public String decode(int[] ids, int from, int to, boolean skipSpecialTokens) {
        Objects.checkFromToIndex(from, to, ids.length);
        long[] known = new long[to - from];
        for (int i = from; i < to; i++) {
            known[i - from] = ids[i] & 0xFFFFFFFFL;
        }
        long stamp = lock.readLock();
        try {
            return TokenizersLibrary.LIB.decode(openHandle(), known, skipSpecialTokens);
        } finally {
            lock.unlockRead(stamp);
        }
    }

    @Override
    public int vocabSize() {
        return vocabulary.size();
    }

    @Override
    public String idToToken(int id) {
        return vocabulary.piece(id);
    }

    @Override
    public int tokenToId(String token) {
        return vocabulary.idOf(token);
    }

    @Override
    public boolean isSpecial(int id) {
        return vocabulary.isSpecial(id);
    }

    @Override
    public byte[] tokenBytes(int id) {
        return vocabulary.bytes(id);
    }

    @Override
    public IncrementalDetokenizer detokenizer(
            int[] promptIds, boolean skipSpecialTokens, boolean spacesBetweenSpecialTokens) {
        return switch (decoder.family()) {
            case BYTE_LEVEL -> new ByteLevelDetokenizer(vocabulary, promptIds, skipSpecialTokens);
            case SENTENCE_PIECE -> new SentencePieceDetokenizer(vocabulary, decoder, promptIds, skipSpecialTokens);
            case OTHER -> new WindowDetokenizer(this, promptIds, skipSpecialTokens, spacesBetweenSpecialTokens);
        };
    }

    /** Frees the native tokenizer once the calls in progress are done. */
    @Override
    public void close() {
        long stamp = lock.writeLock();
        try {
            if (handle != 0) {
                TokenizersLibrary.LIB.deleteTokenizer(handle);
                handle = 0;
            }
        } finally {
            lock.unlockWrite(stamp);
        }
    }

    private long openHandle() {
        if (handle == 0) {
            throw new IllegalStateException("the tokenizer is closed");
        }
        return handle;
    }

    /** One lone surrogate would make the native side read the whole text as broken. */
    private static String withoutLoneSurrogates(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                return text.codePoints()
                        .map(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? 0xFFFD : c)
                        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                        .toString();
            }
        }
        return text;
    }

    private static int[] toInts(long[] ids) {
        int[] ints = new int[ids.length];
        for (int i = 0; i < ids.length; i++) {
            ints[i] = (int) ids[i];
        }
        return ints;
    }
}
