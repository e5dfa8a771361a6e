package dev.quire.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every template of the collection over every conversation, against what transformers renders or raises. */
class TemplateGoldTest {
    private static final Path TEMPLATES = Path.of("../shared/data/templates");
    private static final ObjectMapper JSON = new ObjectMapper();

    @TestFactory
    Stream<DynamicTest> everyCaseEqualsTransformers() throws IOException {
        Assumptions.assumeTrue(Files.isDirectory(TEMPLATES), "no template collection at " + TEMPLATES);
        Map<String, Object> conversations = read(TEMPLATES.resolve("conversations.json"));
        List<Path> golds;
        try (Stream<Path> files = Files.walk(TEMPLATES)) {
            golds = files.filter(f -> f.getParent().endsWith("gold")).sorted().toList();
        }
        assertThat(golds).hasSizeGreaterThanOrEqualTo(48);
        return golds.stream().flatMap(gold -> cases(gold, conversations));
    }

    private static Stream<DynamicTest> cases(Path goldFile, Map<String, Object> conversations) {
        Map<String, Object> gold = read(goldFile);
        String source = text(goldFile.getParent().resolveSibling((String) gold.get("template")));
        Map<String, String> tokens = new LinkedHashMap<>();
        for (String token : List.of("bos_token", "eos_token", "unk_token", "pad_token")) {
            if (gold.get(token) instanceof String value) {
                tokens.put(token, value);
            }
        }
        LocalDateTime now = LocalDateTime.parse((String) gold.get("clock"));
        ChatTemplate template = ChatTemplate.compile(
                source,
                ChatTemplate.Options.of(tokens).withClock(Clock.fixed(now.toInstant(ZoneOffset.UTC), ZoneOffset.UTC)));
        return map(gold.get("cases")).entrySet().stream()
                .map(entry -> DynamicTest.dynamicTest(
                        goldFile.getFileName() + " " + entry.getKey(),
                        () -> check(template, entry.getKey(), map(entry.getValue()), conversations)));
    }

    private static void check(
            ChatTemplate template, String name, Map<String, Object> expected, Map<String, Object> conversations) {
        int bar = name.indexOf('|');
        Map<String, Object> conversation = map(conversations.get(name.substring(0, bar)));
        ChatTemplate.Input input = new ChatTemplate.Input(
                (List<?>) conversation.get("messages"),
                (List<?>) conversation.get("tools"),
                name.substring(bar + 1).equals("gen"),
                false,
                null,
                conversation.containsKey("kwargs") ? map(conversation.get("kwargs")) : Map.of());
        if (expected.containsKey("output")) {
            assertThat(template.render(input)).isEqualTo(expected.get("output"));
        } else {
            assertThatThrownBy(() -> template.render(input)).isInstanceOfSatisfying(ChatTemplateException.class, e -> {
                assertThat(e.type() + ": " + e.getMessage())
                        .isEqualTo(expected.get("error") + ": " + expected.get("message"));
                assertThat(e.line()).isPositive();
            });
        }
    }

    private static Map<String, Object> read(Path file) {
        try {
            return JSON.readValue(text(file), new TypeReference<>() {});
        } catch (IOException e) {
            throw new IllegalStateException(file.toString(), e);
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new IllegalStateException(file.toString(), e);
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(Object value) {
        return (Map<String, Object>) value;
    }
}
