package dev.quire.server;

import dev.quire.chat.ChatTemplate;
import dev.quire.chat.ChatTemplates;
import dev.quire.frontend.ByteTokenizer;
import dev.quire.frontend.SamplingDefaults;
import dev.quire.frontend.ServedModel;
import dev.quire.frontend.ServingLimits;
import dev.quire.frontend.ToolCallFormat;
import dev.quire.request.TokenIds;
import io.quarkus.test.junit.QuarkusTestProfile;
import jakarta.enterprise.inject.Alternative;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The server over a {@link ScriptedEngine}: one profile, hence one start, for all tests of the edge. */
public final class ScriptedServer implements QuarkusTestProfile {
    public static final String KEY = "secret-1";
    public static final int MAX_MODEL_LEN = 2000;
    public static final int MAX_BODY_BYTES = 256 << 10;
    private static final String TEMPLATE = "{% if tools %}[{{ tools | length }} tools]{% endif %}"
            + "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
            + "{% if add_generation_prompt %}assistant: {% endif %}";

    @Override
    public Set<Class<?>> getEnabledAlternatives() {
        return Set.of(Beans.class);
    }

    @Override
    public Map<String, String> getConfigOverrides() {
        return Map.of(
                "quire.api-key", KEY + ",secret-2",
                "quire.max-body-size", "256K",
                "quire.enable-prompt-tokens-details", "true");
    }

    /** What boot produces in a real server. */
    @Alternative
    @Singleton
    public static class Beans {
        @Produces
        @Singleton
        @Alternative
        ScriptedEngine scripted() {
            return new ScriptedEngine();
        }

        @Produces
        @Singleton
        @Alternative
        ServedModel model() {
            return new ServedModel(
                    List.of("tiny", "org/tiny"),
                    "/models/tiny",
                    1_700_000_000L,
                    MAX_MODEL_LEN,
                    new ByteTokenizer(),
                    ChatTemplates.of(TEMPLATE, ChatTemplate.Options.of(Map.of())),
                    SamplingDefaults.none(),
                    TokenIds.of(ByteTokenizer.EOS),
                    ByteTokenizer.VOCAB_SIZE,
                    ServingLimits.of(5),
                    ToolCallFormat.HERMES);
        }
    }
}
