package dev.quire.weights.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Which of a repository's GGUF files a user means: by file name, {@code folder/file.gguf}, or by the type of quantization that
 * the names end with, such as {@code Q4_K_M}. A model in several files counts as one.
 */
final class GgufChoice {
    private static final Pattern PART = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})(\\.gguf)", Pattern.CASE_INSENSITIVE);
    private static final int MAX_DEPTH = 4;

    private GgufChoice() {}

    static boolean isGguf(String name) {
        return name.toLowerCase(Locale.ROOT).endsWith(".gguf");
    }

    /**
     * The files of the model, the first of which names it.
     *
     * @param which a file name or a type
     * @throws HubException when there is none, or more than one model, naming those there are
     */
    static List<String> choose(String repository, Collection<String> names, String which) {
        Map<String, List<String>> models = models(names);
        List<String> matching = models.keySet().stream()
                .filter(first -> isGguf(which) ? isFile(models.get(first), which) : isOfType(first, which))
                .toList();
        if (matching.size() == 1) {
            return models.get(matching.get(0));
        }
        String problem = matching.isEmpty() ? "has no GGUF file '" + which + "'" : "has several '" + which + "'";
        Collection<String> shown = matching.isEmpty() ? models.keySet() : matching;
        throw new HubException(repository + " " + problem + "; it has "
                + (shown.isEmpty() ? "no GGUF file at all" : String.join(", ", shown)));
    }

    /** All files of a model by the first of them. */
    private static Map<String, List<String>> models(Collection<String> names) {
        Map<String, List<String>> models = new TreeMap<>();
        names.stream().filter(GgufChoice::isGguf).sorted().forEach(name -> {
            Matcher part = PART.matcher(name);
            String first = part.matches() ? part.group(1) + "-00001-of-" + part.group(3) + part.group(4) : name;
            models.computeIfAbsent(first, key -> new ArrayList<>()).add(name);
        });
        return models;
    }

    private static boolean isFile(List<String> files, String which) {
        return files.contains(which);
    }

    private static boolean isOfType(String first, String type) {
        Matcher part = PART.matcher(first);
        String stem = part.matches() ? part.group(1) : first.substring(0, first.length() - ".gguf".length());
        String end = type.toLowerCase(Locale.ROOT);
        String lower = stem.toLowerCase(Locale.ROOT);
        String before = lower.endsWith(end) ? lower.substring(0, lower.length() - end.length()) : "x";
        return before.isEmpty() || "-._/".indexOf(before.charAt(before.length() - 1)) >= 0;
    }

    /** The model in a snapshot, when all its files are there. */
    static Optional<Path> inSnapshot(HubCache cache, HubModel model, String which) {
        Optional<Path> snapshot = cache.commitOf(model).map(cache::snapshot).filter(Files::isDirectory);
        if (snapshot.isEmpty()) {
            return Optional.empty();
        }
        try (Stream<Path> files = Files.walk(snapshot.get(), MAX_DEPTH)) {
            List<String> names = files.filter(Files::isRegularFile)
                    .map(file -> snapshot.get().relativize(file).toString())
                    .toList();
            List<String> chosen = choose(model.toString(), names, which);
            Matcher part = PART.matcher(chosen.get(0));
            boolean whole = !part.matches() || Integer.parseInt(part.group(3)) == chosen.size();
            return whole ? Optional.of(snapshot.get().resolve(chosen.get(0))) : Optional.empty();
        } catch (IOException | HubException e) {
            return Optional.empty();
        }
    }
}
