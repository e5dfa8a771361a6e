package dev.quire.weights.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.weights.CheckpointException;
import dev.quire.weights.ConfigJson;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuantizationConfigTest {
    /** As RedHat's granite-3.1-8b-instruct-quantized.w4a16 has it. */
    private static final String W4A16 = "{'quantization_config':{'config_groups':{'group_0':{'input_activations':null,"
            + "'output_activations':null,'targets':['Linear'],'weights':{'actorder':'weight','block_structure':null,"
            + "'dynamic':false,'group_size':128,'num_bits':4,'observer':'mse','observer_kwargs':{},"
            + "'strategy':'group','symmetric':true,'type':'int'}}},'format':'pack-quantized',"
            + "'global_compression_ratio':1.8,'ignore':['lm_head'],'kv_cache_scheme':null,"
            + "'quant_method':'compressed-tensors','quantization_status':'compressed','sparsity_config':{},"
            + "'transform_config':{}}}";

    private static ConfigJson json(String text) {
        return ConfigJson.parse("config.json", text.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    }

    private static QuantizationConfig config(String text) {
        return QuantizationConfig.from(json(text)).orElseThrow();
    }

    @Test
    void readsGroupedFourBit() {
        QuantizationConfig config = config(W4A16);
        assertThat(config.schemeOf("model.layers.0.mlp.up_proj")).contains(new WeightScheme(4, 128, true, false));
        assertThat(config.schemeOf("lm_head")).isEmpty();
        assertThat(QuantizationConfig.from(json("{'hidden_size':3}"))).isEmpty();
        assertThat(QuantizationConfig.from(json("{'text_config':" + W4A16 + "}")))
                .contains(config)
                .hasValueSatisfying(c -> assertThat(c.groups()).hasSize(1));
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
    void aTargetByNameWinsOverTheClass() {
        String weights = "'weights':{'num_bits':%d,'group_size':32,'strategy':'group','symmetric':true}";
        QuantizationConfig config = config("{'quantization_config':{'quant_method':'compressed-tensors',"
                + "'format':'pack-quantized','config_groups':{'group_0':{'targets':['Linear'],"
                + String.format(weights, 4) + "},'group_1':{'targets':['re:.*down_proj','a.b'],"
                + String.format(weights, 8) + "}}}}");
        assertThat(config.schemeOf("l.up_proj").orElseThrow().numBits()).isEqualTo(4);
        assertThat(config.schemeOf("l.down_proj").orElseThrow().numBits()).isEqualTo(8);
        assertThat(config.schemeOf("a.b").orElseThrow().numBits()).isEqualTo(8);
        assertThat(config("{'quantization_config':{'quant_method':'compressed-tensors','format':'pack-quantized',"
                                + "'config_groups':{'g':{'targets':['re:.*down_proj']," + String.format(weights, 8)
                                + "}}}}")
                        .schemeOf("l.up_proj"))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'quant_method':'compressed-tensors' | 'quant_method':'gptq' | quantization_config.quant_method' not supported yet: gptq",
                "'quant_method':'compressed-tensors' | 'quant_method':'awq' | not supported yet: awq",
                "'quant_method':'compressed-tensors' | 'quant_method':'fp8' | not supported yet: fp8",
                "'quant_method':'compressed-tensors' | 'quant_method':'mxfp4' | not supported yet: mxfp4",
                "'format':'pack-quantized' | 'format':'float-quantized' | format' not supported yet: float-quantized",
                "'format':'pack-quantized' | 'format':'marlin-24' | not supported yet: marlin-24",
                "'type':'int' | 'type':'float' | group_0.weights.type' not supported yet: float",
                "'num_bits':4 | 'num_bits':3 | num_bits' not supported yet: 3",
                "'strategy':'group' | 'strategy':'tensor' | strategy' not supported yet: tensor",
                "'strategy':'group' | 'strategy':'block' | not supported yet: block",
                "'group_size':128 | 'group_size':0 | group_size' must be positive",
                "'dynamic':false | 'dynamic':'local' | dynamic' not supported yet",
                "'actorder':'weight' | 'actorder':'sideways' | actorder' not supported yet",
                "'input_activations':null | 'input_activations':{'num_bits':8} | input_activations' not supported yet",
                "'kv_cache_scheme':null | 'kv_cache_scheme':{'num_bits':8} | kv_cache_scheme' not supported yet",
                "'sparsity_config':{} | 'sparsity_config':{'format':'sparse-24-bitmask'} | not supported yet: sparse-24",
                "'transform_config':{} | 'transform_config':{'a':1} | transform_config' not supported yet",
                "'quantization_status':'compressed' | 'quantization_status':'frozen' | not supported yet: frozen",
                "'ignore':['lm_head'] | 'ignore':['re:('] | ignore' has a broken pattern",
                "'num_bits':4 | 'num_bits':null | num_bits' is missing",
            })
    void refusesTheRestByName(String from, String to, String message) {
        assertThat(W4A16).contains(from);
        assertThatThrownBy(() -> config(W4A16.replace(from, to)))
                .isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith("config.json: ")
                .hasMessageContaining(message);
    }
}
