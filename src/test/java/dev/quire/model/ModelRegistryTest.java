package dev.quire.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.kernel.ActivationKernels.Gate;
import dev.quire.model.ModelConfig.LayerKind;
import dev.quire.tensor.DType;
import dev.quire.weights.CheckpointException;
import dev.quire.weights.ConfigJson;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Reading config.json where no golden model stands behind it: defaults, older spellings, and what is refused. */
class ModelRegistryTest {
    private static final String SIZES =
            "'vocab_size':100,'hidden_size':32,'intermediate_size':64,'num_hidden_layers':8,"
                    + "'num_attention_heads':4,'num_key_value_heads':2,'max_position_embeddings':512";

    private static ConfigJson json(String text) {
        return ConfigJson.parse("config.json", text.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    }

    private static ModelConfig config(String architecture, String more) {
        return ModelRegistry.config(json("{'architectures':['" + architecture + "']," + SIZES + more + "}"));
    }

    private static List<Integer> windows(ModelConfig config) {
        return config.layers().stream().map(LayerKind::slidingWindow).collect(Collectors.toList());
    }

    @Test
    void unknownArchitecturesAreNamedAndTheKnownOnesListed() {
        assertThatThrownBy(() -> config("MixtralForCausalLM", ""))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("'architectures' [MixtralForCausalLM] is not supported; supported: "
                        + String.join(", ", ModelRegistry.architectures()))
                .hasMessageNotContaining("\n");
        assertThatThrownBy(() -> ModelRegistry.config(json("{}")))
                .hasMessageContaining("'architectures' is missing; supported: Gemma2ForCausalLM, ");
        assertThat(ModelRegistry.architectures()).contains("LlamaForCausalLM", "Gemma3ForConditionalGeneration");
    }

    /** Gemma 3's 4B and larger leave out of text_config what the class has by itself. */
    @Test
    void gemma3LeavesSizesOut() {
        ModelConfig config = ModelRegistry.config(json("{'architectures':['Gemma3ForConditionalGeneration'],"
                + "'torch_dtype':'bfloat16','text_config':{'hidden_size':2560,'intermediate_size':10240,"
                + "'model_type':'gemma3_text','num_hidden_layers':34,"
                + "'rope_scaling':{'factor':8.0,'rope_type':'linear'},'sliding_window':1024}}"));
        assertThat(config.vocabSize()).isEqualTo(262_208);
        assertThat(config.heads()).isEqualTo(new ModelConfig.Heads(8, 4, 256));
        assertThat(config.maxPositions()).isEqualTo(131_072);
        assertThat(config.dtype()).isEqualTo(DType.BF16);
        assertThat(config.gate()).isEqualTo(Gate.GELU_TANH);
        assertThat(config.tiedEmbeddings()).isTrue();
        assertThat(windows(config).subList(0, 7)).containsExactly(1024, 1024, 1024, 1024, 1024, 0, 1024);
        RopeSpec full = config.layers().get(5).rope();
        RopeSpec sliding = config.layers().get(4).rope();
        assertThat(full).isEqualTo(new RopeSpec(1e6, 256, false, new RopeScaling.Linear(8), 0, 0));
        assertThat(sliding).isEqualTo(new RopeSpec(1e4, 256, false, new RopeScaling.None(), 0, 0));
    }

    @Test
    void whatMultimodalFilesSayOutsideCounts() {
        ModelConfig config = ModelRegistry.config(json("{'architectures':['Mistral3ForConditionalGeneration'],"
                + "'dtype':'float16','tie_word_embeddings':true,'text_config':{'model_type':'mistral',"
                + "'sliding_window':null," + SIZES + "}}"));
        assertThat(config.dtype()).isEqualTo(DType.F16);
        assertThat(config.tiedEmbeddings()).isTrue();
        assertThat(windows(config)).containsOnly(0);
        assertThatThrownBy(() -> ModelRegistry.config(json("{'architectures':['Mistral3ForConditionalGeneration'],"
                        + "'text_config':{'model_type':'mixtral'," + SIZES + "}}")))
                .hasMessageContaining("'text_config.model_type' \"mixtral\" is not supported; supported: mistral");
    }

    /** A key that is absent is transformers' default, a null is none. */
    @Test
    void absentIsNotNull() {
        assertThat(windows(config("MistralForCausalLM", ""))).containsOnly(4096);
        assertThat(windows(config("MistralForCausalLM", ",'sliding_window':null")))
                .containsOnly(0);
        assertThat(config("Gemma2ForCausalLM", "").scales().logitSoftCap()).isEqualTo(30);
        assertThat(config("Gemma2ForCausalLM", ",'final_logit_softcapping':null,'attn_logit_softcapping':null")
                        .scales()
                        .logitSoftCap())
                .isZero();
        assertThat(config("Gemma2ForCausalLM", "").attention().softCap()).isEqualTo(50);
    }

    @Test
    void yarnReachesFartherThanTheTrainedLength() {
        assertThat(config(
                                "Qwen2ForCausalLM",
                                ",'rope_scaling':{'type':'yarn','factor':4.0,'original_max_position_embeddings':512}")
                        .maxPositions())
                .isEqualTo(2048);
        assertThat(config("LlamaForCausalLM", ",'rope_scaling':{'type':'linear','factor':4.0}")
                        .maxPositions())
                .isEqualTo(512);
    }

    @Test
    void layersWithoutPositions() {
        ModelConfig config = config("SmolLM3ForCausalLM", "");
        assertThat(config.layers().get(3).rope()).isNull();
        assertThat(config.layers().get(7).rope()).isNull();
        assertThat(config.layers().stream().filter(layer -> layer.rope() != null))
                .hasSize(6);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "LlamaForCausalLM | 'hidden_act':'relu2' | 'hidden_act' \"relu2\" is not supported; supported: silu",
                "LlamaForCausalLM | 'num_key_value_heads':3 | 'num_key_value_heads' is 3, which does not divide 4 heads",
                "LlamaForCausalLM | 'head_dim':7 | 'head_dim' is 7, which is not even",
                "LlamaForCausalLM | 'hidden_size':0 | 'hidden_size' must be positive, is 0",
                "MistralForCausalLM | 'layer_types':['sliding_attention','full_attention'] | 'layer_types' mixes types",
                "MinistralForCausalLM | 'layer_types':['chunked_attention','a','a','a','a','a','a','a'] "
                        + "| 'layer_types' \"chunked_attention\" is not supported",
                "MinistralForCausalLM | 'layer_types':['full_attention'] | 'layer_types' has 1 entries for 8 layers",
                "Qwen2ForCausalLM | 'layer_types':['sliding_attention'] | though use_sliding_window is false",
                "Gemma3ForCausalLM | 'use_bidirectional_attention':true | only causal attention is supported",
                "GraniteMoeHybridForCausalLM | 'num_local_experts':4 | experts are not supported",
                "GraniteMoeHybridForCausalLM | 'num_local_experts':0,'layer_types':['attention','mamba'] | has \"mamba\"",
                "GraniteSWAForCausalLM | 'layer_rope_theta':[0,1] | 'layer_rope_theta' has 2 entries for 8 layers",
                "SmolLM3ForCausalLM | 'no_rope_layers':[1] | 'no_rope_layers' has 1 entries for 8 layers",
            })
    void refusesByName(String architecture, String entry, String message) {
        String sizes = SIZES;
        String key = entry.substring(0, entry.indexOf(':'));
        // A key may stand in the file once.
        if (sizes.contains(key + ":")) {
            sizes = sizes.replaceAll(key + ":[0-9]+,", "");
        }
        String text = "{'architectures':['" + architecture + "']," + sizes + "," + entry + "}";
        assertThatThrownBy(() -> ModelRegistry.config(json(text)))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining(message)
                .hasMessageNotContaining("\n");
    }
}
