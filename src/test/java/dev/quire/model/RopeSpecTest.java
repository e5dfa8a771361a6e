package dev.quire.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;
import static org.assertj.core.data.Percentage.withPercentage;

import dev.quire.kernel.RopeTable;
import dev.quire.weights.ConfigJson;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** What a golden model cannot show: choices by the served length, and what is refused. */
class RopeSpecTest {
    private static final RopeReader READER = new RopeReader(8, 64, 10_000, 1, false);

    private static ConfigJson json(String text) {
        return ConfigJson.parse("config.json", text.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    }

    private static RopeSpec read(String text) {
        return READER.read(json(text));
    }

    @Test
    void defaultFrequencies() {
        RopeTable table = read("{'rope_theta':100}").table(64);
        assertThat(table.inverseFrequencies()).containsExactly(1, 0.31622776f, 0.1f, 0.031622776f);
        assertThat(table.scale()).isEqualTo(1);
        assertThat(read("{}").theta()).isEqualTo(10_000);
    }

    /** vLLM's base for factor 4: θ · (4 · 4 − 3)^(8 / 6). */
    @Test
    void dynamicTakesEffectWhenLongerSequencesAreServed() {
        RopeSpec spec = read("{'rope_type':'dynamic','rope_theta':100,'factor':4}");
        assertThat(spec.table(64).inverseFrequencies()).containsExactly(1, 0.31622776f, 0.1f, 0.031622776f);
        double base = 100 * Math.pow(13, 8 / 6.0);
        float[] frequencies = spec.table(65).inverseFrequencies();
        for (int j = 0; j < 4; j++) {
            assertThat((double) frequencies[j]).isCloseTo(Math.pow(base, -j / 4.0), withPercentage(1e-4));
        }
    }

    @Test
    void longropeChoosesByTheServedLength() {
        RopeSpec spec = read("{'rope_type':'longrope','rope_theta':1,'short_factor':[1,2,4,8],'long_factor':[2,4,8,16],"
                + "'original_max_position_embeddings':16}");
        assertThat(spec.table(16).inverseFrequencies()).containsExactly(1, 0.5f, 0.25f, 0.125f);
        assertThat(spec.table(17).inverseFrequencies()).containsExactly(0.5f, 0.25f, 0.125f, 0.0625f);
        assertThat((double) spec.table(16).scale()).isCloseTo(Math.sqrt(1 + Math.log(4) / Math.log(16)), offset(1e-6));
    }

    @Test
    void yarnScalesAndReaches() {
        RopeSpec plain = read("{'rope_type':'yarn','factor':4,'original_max_position_embeddings':32}");
        assertThat((double) plain.table(64).scale()).isCloseTo(0.1 * Math.log(4) + 1, offset(1e-6));
        assertThat(plain.scaling().maxPositions()).isEqualTo(128);
        RopeSpec even = read("{'rope_type':'yarn','factor':4,'original_max_position_embeddings':32,'mscale':1,"
                + "'mscale_all_dim':1}");
        assertThat(even.table(64).scale()).isEqualTo(1);
        RopeSpec given = read("{'rope_type':'yarn','factor':4,'original_max_position_embeddings':32,"
                + "'attention_factor':1.5,'beta_fast':0}");
        assertThat(given.table(64).scale()).isEqualTo(1.5f);
        assertThat(given.table(64).inverseFrequencies())
                .isEqualTo(plain.table(64).inverseFrequencies());
    }

    @Test
    void queriesMayGrow() {
        RopeSpec spec = read("{'rope_type':'yarn','factor':4,'original_max_position_embeddings':16,'mscale':1,"
                + "'mscale_all_dim':1,'llama_4_scaling_beta':0.5}");
        RopeTable queries = spec.queryTable(64);
        assertThat(queries.scaleAt(15)).isEqualTo(1);
        assertThat((double) queries.scaleAt(35)).isCloseTo(1 + 0.5 * Math.log(3), offset(1e-6));
        assertThat(spec.table(64).scaleAt(35)).isEqualTo(1);
        assertThat(read("{}").queryTable(64)).isNull();
    }

    @Test
    void refusesByNameWhatItDoesNotKnow() {
        assertThatThrownBy(() -> read("{'rope_type':'proportional'}"))
                .hasMessageContaining("'rope_type' \"proportional\" is not supported; supported: default");
        assertThatThrownBy(() -> read("{'rope_type':'dynamic','factor':2,'alpha':1000}"))
                .hasMessageContaining("'alpha' is not understood with rope_type \"dynamic\"");
        assertThatThrownBy(() -> read("{'rope_type':'yarn','factor':4,'attn_factor':2}"))
                .hasMessageContaining("'attn_factor' is 2; only 1 is supported");
        assertThatThrownBy(() -> read("{'rope_type':'longrope','short_factor':[1],'long_factor':[1,2,3,4]}"))
                .hasMessageContaining("'short_factor' has 1 values, 4 are needed");
        assertThatThrownBy(() -> read("{'rope_type':'linear'}")).hasMessageContaining("'factor' is missing");
        assertThatThrownBy(() -> read("{'partial_rotary_factor':0.4}"))
                .hasMessageContaining("rotates 3 of 8 dimensions: must be even");
    }
}
