package dev.quire.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.tensor.DType;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class ConfigJsonTest {
    static ConfigJson json(String text) {
        return ConfigJson.parse("m/config.json", text.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void readsValuesAndDefaults() {
        ConfigJson json = json("{'s':'x','i':7,'f':1e-5,'b':true,'n':null,'l':['a','b'],'d':[1,2.5],'whole':2.0,"
                + "'big':5000000000,'o':{'i':1},'inf':Infinity}");
        assertThat(json.string("s")).isEqualTo("x");
        assertThat(json.string("n", "none")).isEqualTo("none");
        assertThat(json.integer("i")).isEqualTo(7);
        assertThat(json.integer("whole")).isEqualTo(2);
        assertThat(json.integer("missing", 3)).isEqualTo(3);
        assertThat(json.longInteger("big")).isEqualTo(5_000_000_000L);
        assertThat(json.number("f")).isEqualTo(1e-5);
        assertThat(json.number("i", 0)).isEqualTo(7);
        assertThat(json.number("inf")).isInfinite();
        assertThat(json.bool("b", false)).isTrue();
        assertThat(json.stringList("l")).containsExactly("a", "b");
        assertThat(json.stringList("missing")).isEmpty();
        assertThat(json.numberList("d")).containsExactly(1, 2.5);
        assertThat(json.object("o").integer("i")).isEqualTo(1);
        assertThat(json.optionalObject("n")).isEmpty();
        assertThat(json.has("n")).isFalse();
    }

    @Test
    void errorsNameFileAndKey() {
        ConfigJson json = json("{'s':'x','o':{'i':1.5},'big':5000000000}");
        assertThatThrownBy(() -> json.integer("hidden_size"))
                .isInstanceOf(CheckpointException.class)
                .hasMessage("m/config.json: 'hidden_size' is missing");
        assertThatThrownBy(() -> json.integer("s", 1)).hasMessage("m/config.json: 's' must be an int, found \"x\"");
        assertThatThrownBy(() -> json.object("o").integer("i"))
                .hasMessage("m/config.json: 'o.i' must be an int, found 1.5");
        assertThatThrownBy(() -> json.integer("big")).hasMessageContaining("must be an int");
        assertThatThrownBy(() -> json.bool("s")).hasMessageContaining("true or false");
        assertThatThrownBy(() -> json.stringList("s")).hasMessageContaining("a list");
        assertThatThrownBy(() -> json.object("s")).hasMessageContaining("an object");
        assertThatThrownBy(() -> json("{'a':1,'a':2}")).hasMessageContaining("m/config.json: broken JSON");
        assertThatThrownBy(() -> json("[1]")).hasMessageContaining("not an object");
        assertThatThrownBy(() -> json("")).hasMessageContaining("not an object");
        assertThatThrownBy(() -> json("{'a':")).hasMessageContaining("(line 1)").hasMessageNotContaining("\n");
    }

    @Test
    void typeHasTwoNames() {
        assertThat(json("{'torch_dtype':'bfloat16'}").dtype()).contains(DType.BF16);
        assertThat(json("{'dtype':'float16','torch_dtype':'float32'}").dtype()).contains(DType.F16);
        assertThat(json("{}").dtype()).isEmpty();
        assertThatThrownBy(() -> json("{'dtype':'float7'}").dtype()).hasMessageContaining("'dtype' unknown type");
    }

    @Test
    void languageModelMayBeInside() {
        assertThat(json("{'text_config':{'hidden_size':3}}").languageModel().integer("hidden_size"))
                .isEqualTo(3);
        assertThat(json("{'hidden_size':4}").languageModel().integer("hidden_size"))
                .isEqualTo(4);
        assertThatThrownBy(() -> json("{'text_config':{}}").languageModel().integer("x"))
                .hasMessageContaining("'text_config.x' is missing");
    }

    @Test
    void ropeOldAndNewReadTheSame() {
        ConfigJson old = json("{'rope_theta':500000.0,'rope_scaling':{'type':'llama3','factor':8.0}}");
        ConfigJson young = json("{'rope_parameters':{'rope_type':'llama3','rope_theta':500000.0,'factor':8.0}}");
        for (ConfigJson config : List.of(old, young)) {
            ConfigJson rope = config.ropeParameters();
            assertThat(rope.string("rope_type")).isEqualTo("llama3");
            assertThat(rope.number("rope_theta")).isEqualTo(500000);
            assertThat(rope.number("factor")).isEqualTo(8);
        }
        assertThat(json("{'rope_scaling':null}").ropeParameters().string("rope_type"))
                .isEqualTo("default");
        assertThat(json("{'rope_scaling':{'rope_type':'linear','type':'x','factor':2}}")
                        .ropeParameters()
                        .string("rope_type"))
                .isEqualTo("linear");
        assertThat(json("{'rope_scaling':{'type':'su'},'original_max_position_embeddings':4096}")
                        .ropeParameters()
                        .integer("original_max_position_embeddings"))
                .isEqualTo(4096);
        assertThat(json("{'partial_rotary_factor':0.5}").ropeParameters().number("partial_rotary_factor"))
                .isEqualTo(0.5);
    }

    @Test
    void ropePerLayerType() {
        ConfigJson young =
                json("{'rope_parameters':{'full_attention':{'rope_type':'linear','factor':8,'rope_theta':1e6},"
                        + "'sliding_attention':{'rope_type':'default','rope_theta':1e4}}}");
        ConfigJson old = json(
                "{'rope_theta':1e6,'rope_local_base_freq':1e4," + "'rope_scaling':{'rope_type':'linear','factor':8}}");
        for (ConfigJson config : List.of(young, old)) {
            assertThat(config.ropeParameters("sliding_attention").number("rope_theta"))
                    .isEqualTo(1e4);
            assertThat(config.ropeParameters("sliding_attention").string("rope_type"))
                    .isEqualTo("default");
            assertThat(config.ropeParameters("full_attention").number("rope_theta"))
                    .isEqualTo(1e6);
            assertThat(config.ropeParameters("full_attention").number("factor")).isEqualTo(8);
            assertThat(config.ropeParameters().number("rope_theta")).isEqualTo(1e6);
        }
        assertThat(json("{'rope_theta':7}").ropeParameters("sliding_attention").number("rope_theta"))
                .isEqualTo(7);
    }

    @Test
    void generationDefaultsComeFromBothFiles() {
        GenerationDefaults defaults = GenerationDefaults.of(
                json("{'eos_token_id':2,'bos_token_id':1,'text_config':{'eos_token_id':[5,2]}}"),
                json("{'temperature':0.6,'top_p':0.95,'top_k':20,'min_p':0,'repetition_penalty':1.05,"
                        + "'max_new_tokens':512,'eos_token_id':[7,5],'pad_token_id':0,'do_sample':true}"));
        assertThat(defaults).isEqualTo(new GenerationDefaults(0.6, 0.95, 20, 0.0, 1.05, 512, List.of(7, 5, 2), 1, 0));
        assertThat(GenerationDefaults.of(json("{}"), json("{}")))
                .isEqualTo(new GenerationDefaults(null, null, null, null, null, null, List.of(), null, null));
        assertThatThrownBy(() -> GenerationDefaults.of(json("{'eos_token_id':'x'}"), json("{}")))
                .hasMessageContaining("'eos_token_id'");
    }
}
