package dev.quire.weights.quant;

import static dev.quire.weights.quant.QuantizationConfigTest.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.tensor.ActivationScheme.Kind;
import dev.quire.tensor.QuantizedMatrix.Codes;
import dev.quire.weights.CheckpointException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CompressedTensorsTest {
    /** As RedHat's granite-3.1-8b-instruct-quantized.w4a16 has it. */
    private static final String W4A16 = "{'quantization_config':{'config_groups':{'group_0':{'input_activations':null,"
            + "'output_activations':null,'targets':['Linear'],'weights':{'actorder':'weight','block_structure':null,"
            + "'dynamic':false,'group_size':128,'num_bits':4,'observer':'mse','observer_kwargs':{},"
            + "'strategy':'group','symmetric':true,'type':'int'}}},'format':'pack-quantized',"
            + "'global_compression_ratio':1.8,'ignore':['lm_head'],'kv_cache_scheme':null,"
            + "'quant_method':'compressed-tensors','quantization_status':'compressed','sparsity_config':{},"
            + "'transform_config':{}}}";

    /** As RedHat's Meta-Llama-3.1-8B-Instruct-quantized.w8a8. */
    private static final String W8A8 = W4A16.replace("pack-quantized", "int-quantized")
            .replace("'actorder':'weight'", "'actorder':null")
            .replace("'num_bits':4", "'num_bits':8")
            .replace("'group_size':128", "'group_size':null")
            .replace("'strategy':'group'", "'strategy':'channel'")
            .replace(
                    "'input_activations':null",
                    "'input_activations':{'dynamic':true,'group_size':null,'num_bits':8,"
                            + "'strategy':'token','symmetric':true,'type':'int'}");

    private static final String FP8 =
            W8A8.replace("int-quantized", "float-quantized").replace("'type':'int'", "'type':'float'");

    private static QuantizationConfig config(String text) {
        return QuantizationConfig.from(json(text)).orElseThrow();
    }

    @Test
    void readsGroupedFourBit() {
        QuantizationConfig config = config(W4A16);
        assertThat(config.schemeOf("model.layers.0.mlp.up_proj")).contains(new WeightScheme(4, 128, true, false));
        assertThat(config.schemeOf("lm_head")).isEmpty();
        assertThat(config.embeddingSchemeOf("model.embed_tokens")).isEmpty();
        assertThat(config.kvCacheIsFp8()).isFalse();
        assertThat(QuantizationConfig.from(json("{'hidden_size':3}"))).isEmpty();
        for (String place : new String[] {
            "{'text_config':" + W4A16 + "}",
            W4A16.replace("quantization_config", "compression_config"),
            W4A16.replace("'quantization_status':'compressed'", "'quantization_status':'frozen'")
        }) {
            assertThat(config(place).schemeOf("a")).contains(new WeightScheme(4, 128, true, false));
        }
    }

    @Test
    void readsChannelEightBitAndAsymmetry() {
        String text = W4A16.replace("'num_bits':4", "'num_bits':8")
                .replace("'strategy':'group'", "'strategy':'channel'")
                .replace("'group_size':128", "'group_size':null")
                .replace("'symmetric':true", "'symmetric':false")
                .replace("'actorder':'weight'", "'actorder':null");
        assertThat(config(text).schemeOf("x")).contains(new WeightScheme(8, 0, false, false));
        assertThat(config(W4A16.replace("'actorder':'weight'", "'actorder':'group'"))
                        .schemeOf("x"))
                .contains(new WeightScheme(4, 128, true, true));
    }

    @Test
    void readsIntegersWithRoundedInputs() {
        assertThat(config(W8A8).schemeOf("x")).contains(bytes(Codes.INT8, 1, 0, InputScheme.dynamic(Kind.INT8, 0)));
        assertThat(config(W8A8.replace("'dynamic':true", "'dynamic':false")
                                .replace("'strategy':'token','symmetric':true", "'strategy':'tensor','symmetric':false")
                                .replace("'strategy':'channel'", "'strategy':'tensor'")
                                .replace("int-quantized", "naive-quantized"))
                        .schemeOf("x"))
                .contains(bytes(Codes.INT8, 0, 0, new InputScheme(Kind.INT8, false, 0, false)));
        assertThat(config(W8A8.replace("'format':'int-quantized',", "")).schemeOf("x"))
                .contains(bytes(Codes.INT8, 1, 0, InputScheme.dynamic(Kind.INT8, 0)));
    }

    @Test
    void readsFloats() {
        assertThat(config(FP8).schemeOf("x")).contains(bytes(Codes.E4M3, 1, 0, InputScheme.dynamic(Kind.E4M3, 0)));
        String block = FP8.replace("'block_structure':null", "'block_structure':[128,64]")
                .replace("'strategy':'channel'", "'strategy':'block'")
                .replace(
                        "'group_size':null,'num_bits':8,'strategy':'token'",
                        "'group_size':64,'num_bits':8,'strategy':'group'");
        assertThat(config(block).schemeOf("x"))
                .contains(bytes(Codes.E4M3, 128, 64, InputScheme.dynamic(Kind.E4M3, 64)));
        String fixed = FP8.replace("'dynamic':true", "'dynamic':false")
                .replace("'strategy':'token'", "'strategy':'tensor'")
                .replace("'strategy':'channel'", "'strategy':'tensor'");
        assertThat(config(fixed).schemeOf("x"))
                .contains(bytes(Codes.E4M3, 0, 0, new InputScheme(Kind.E4M3, false, 0, true)));
    }

    private static ByteScheme bytes(Codes codes, int scaleRows, int scaleCols, InputScheme input) {
        return new ByteScheme(codes, scaleRows, scaleCols, true, "weight_scale", input);
    }

    @Test
    void eachGroupMayHaveItsFormat() {
        String mixed = "{'quantization_config':{'quant_method':'compressed-tensors','format':'mixed-precision',"
                + "'config_groups':{'group_0':{'targets':['re:.*self_attn.*'],'format':'float-quantized',"
                + "'weights':{'num_bits':8,'type':'float','strategy':'channel','symmetric':true},"
                + "'input_activations':{'num_bits':8,'type':'float','strategy':'token','dynamic':true}},"
                + "'group_1':{'targets':['re:.*mlp.*','Embedding'],'format':'pack-quantized',"
                + "'weights':{'num_bits':4,'strategy':'group','group_size':32,'symmetric':true}}},'ignore':[]}}";
        QuantizationConfig config = config(mixed);
        assertThat(config.schemeOf("model.layers.0.self_attn.o_proj"))
                .contains(bytes(Codes.E4M3, 1, 0, InputScheme.dynamic(Kind.E4M3, 0)));
        assertThat(config.schemeOf("model.layers.0.mlp.up_proj")).contains(new WeightScheme(4, 32, true, false));
        assertThat(config.embeddingSchemeOf("model.embed_tokens")).contains(new WeightScheme(4, 32, true, false));
        assertThat(config.schemeOf("lm_head")).isEmpty();
    }

    @Test
    void ignoresByNameAndPattern() {
        QuantizationConfig config = config(W4A16.replace(
                "['lm_head']", "['lm_head','re:.*self_attn.*','re:model\\\\.layers\\\\.1\\\\.','router']"));
        assertThat(config.schemeOf("model.layers.0.self_attn.q_proj")).isEmpty();
        assertThat(config.schemeOf("model.layers.1.mlp.up_proj")).isEmpty();
        assertThat(config.schemeOf("model.layers.10.mlp.up_proj")).isPresent();
        // Exact names are whole names; patterns match from the start.
        assertThat(config.schemeOf("model.lm_head")).isPresent();
        assertThat(config.schemeOf("x.model.layers.1.mlp")).isPresent();
    }

    @Test
    void aFusedModuleIsNamedByItselfOrByItsParts() {
        QuantizationConfig config = config(W4A16.replace(
                "['lm_head']", "['a.qkv_proj','b.q_proj','b.k_proj','b.v_proj','c.q_proj','d.gate_proj','d.up_proj']"));
        assertThat(config.schemeOf("a.qkv_proj")).isEmpty();
        assertThat(config.schemeOf("b.qkv_proj")).isEmpty();
        assertThat(config.schemeOf("d.gate_up_proj")).isEmpty();
        assertThat(config.schemeOf("e.qkv_proj")).isPresent();
        assertThatThrownBy(() -> config.schemeOf("c.qkv_proj"))
                .isInstanceOf(CheckpointException.class)
                .hasMessage("config.json: quantizes the parts of c.qkv_proj in different ways");
    }

    @Test
    void aTargetByNameWinsOverTheClass() {
        String weights = "'weights':{'num_bits':%d,'group_size':32,'strategy':'group','symmetric':true}";
        QuantizationConfig config = config("{'quantization_config':{'quant_method':'compressed-tensors',"
                + "'format':'pack-quantized','config_groups':{'group_0':{'targets':['Linear'],"
                + String.format(weights, 4) + "},'group_1':{'targets':['re:.*down_proj','a.b'],"
                + String.format(weights, 8) + "}}}}");
        assertThat(config.schemeOf("l.up_proj")).contains(new WeightScheme(4, 32, true, false));
        assertThat(config.schemeOf("l.down_proj")).contains(new WeightScheme(8, 32, true, false));
        assertThat(config.schemeOf("a.b")).contains(new WeightScheme(8, 32, true, false));
        assertThat(config("{'quantization_config':{'quant_method':'compressed-tensors','format':'pack-quantized',"
                                + "'config_groups':{'g':{'targets':['re:.*down_proj']," + String.format(weights, 8)
                                + "}}}}")
                        .schemeOf("l.up_proj"))
                .isEmpty();
    }

    @Test
    void saysWhetherKeysAndValuesAreFp8() {
        assertThat(config(W4A16.replace(
                                "'kv_cache_scheme':null",
                                "'kv_cache_scheme':{'num_bits':8,'type':'float','strategy':'tensor','dynamic':false}"))
                        .kvCacheIsFp8())
                .isTrue();
        assertThat(config(W4A16.replace("'kv_cache_scheme':null", "'kv_cache_scheme':{}"))
                        .kvCacheIsFp8())
                .isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'format':'pack-quantized' | 'format':'nvfp4-pack-quantized' | format' \"nvfp4-pack-quantized\" is not supported; supported: pack-quantized, int-quantized, float-quantized, naive-quantized",
                "'format':'pack-quantized' | 'format':'marlin-24' | \"marlin-24\" is not supported",
                "'type':'int' | 'type':'float' | group_0.weights.type' \"float\" is not supported",
                "'type':'int' | 'type':'complex' | type' \"complex\" is not supported; supported: int, float",
                "'num_bits':4 | 'num_bits':3 | num_bits' 3 is not supported; supported: 4, 8",
                "'strategy':'group' | 'strategy':'tensor' | strategy' \"tensor\" is not supported",
                "'strategy':'group' | 'strategy':'block' | \"block\" is not supported; supported: group, channel",
                "'group_size':128 | 'group_size':0 | group_size' must be positive",
                "'dynamic':false | 'dynamic':'local' | dynamic' \"local\" is not supported",
                "'actorder':'weight' | 'actorder':'sideways' | actorder' \"sideways\" is not supported",
                "'input_activations':null | 'input_activations':{'num_bits':8} | input_activations' {\"num_bits\":8} is not supported",
                "'output_activations':null | 'output_activations':{'num_bits':8} | output_activations' {\"num_bits\":8} is not",
                "'kv_cache_scheme':null | 'kv_cache_scheme':{'num_bits':8} | kv_cache_scheme' {\"num_bits\":8} is not supported",
                "'sparsity_config':{} | 'sparsity_config':{'format':'sparse-24-bitmask'} | \"sparse-24-bitmask\" is not supported",
                "'transform_config':{} | 'transform_config':{'a':1} | transform_config' {\"a\":1} is not supported",
                "'quantization_status':'compressed' | 'quantization_status':'calibration' | \"calibration\" is not supported",
                "'ignore':['lm_head'] | 'ignore':['re:('] | ignore' has a broken pattern",
                "'num_bits':4 | 'num_bits':null | num_bits' is missing",
            })
    void refusesTheRestOfPackedByName(String from, String to, String message) {
        refuses(W4A16, from, to, message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'format':'int-quantized' | 'format':'float-quantized' | type' \"int\" is not supported",
                "'strategy':'token' | 'strategy':'tensor_group' | strategy' \"tensor_group\" is not supported",
                "'dynamic':true | 'dynamic':'local' | input_activations.dynamic' \"local\" is not supported",
                "'dynamic':true | 'dynamic':false | strategy' \"token\" is not supported; supported: tensor, when not dynamic",
                "'strategy':'channel' | 'strategy':'block' | block_structure' must be two positive numbers, found absent",
                "'actorder':null | 'actorder':'group' | actorder' \"group\" is not supported",
                "'symmetric':true,'type':'int'}}} | 'symmetric':true,'type':'float'}}} | weights.type' \"float\" is not supported",
            })
    void refusesTheRestOfBytesByName(String from, String to, String message) {
        refuses(W8A8, from, to, message);
    }

    private static void refuses(String whole, String from, String to, String message) {
        assertThat(whole).contains(from);
        assertThatThrownBy(() -> config(whole.replace(from, to)))
                .isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith("config.json: ")
                .hasMessageContaining(message);
    }
}
