package dev.quire.weights.gguf;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The merges that a SentencePiece vocabulary implies: every cut of a piece into two pieces, pieces of higher score first, then
 * longer left parts, then longer right ones, then the order of the vocabulary (transformers' {@code generate_merges}).
 */
final class ScoredMerges {
    record Merge(String left, String right, double score) {}

    private ScoredMerges() {}

    /**
     * @param pieces by id
     * @param scores of the pieces
     */
    static List<Merge> of(List<String> pieces, double[] scores) {
        Map<String, Integer> ids = new HashMap<>(2 * pieces.size());
        for (int id = 0; id < pieces.size(); id++) {
            ids.put(pieces.get(id), id);
        }
        List<Merge> merges = new ArrayList<>();
        for (int id = 0; id < pieces.size(); id++) {
            List<Merge> ofPiece = new ArrayList<>();
            String piece = pieces.get(id);
            for (int cut = 1; cut < piece.length(); cut++) {
                boolean insideCharacter = Character.isLowSurrogate(piece.charAt(cut));
                String left = piece.substring(0, cut);
                String right = piece.substring(cut);
                if (!insideCharacter && ids.containsKey(left) && ids.containsKey(right)) {
                    ofPiece.add(new Merge(left, right, scores[id]));
                }
            }
            ofPiece.sort(Comparator.<Merge>comparingInt(merge -> ids.get(merge.left))
                    .thenComparingInt(merge -> ids.get(merge.right)));
            merges.addAll(ofPiece);
        }
        merges.sort(Comparator.<Merge>comparingDouble(merge -> -merge.score)
                .thenComparingInt(merge -> -length(merge.left))
                .thenComparingInt(merge -> -length(merge.right)));
        return merges;
    }

    private static int length(String text) {
        return text.codePointCount(0, text.length());
    }
}
