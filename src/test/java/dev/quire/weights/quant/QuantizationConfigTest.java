package dev.quire.weights.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.tensor.ActivationScheme.Kind;
import dev.quire.tensor.QuantizedMatrix.Codes;
import dev.quire.weights.CheckpointException;
import dev.quire.weights.ConfigJson;
import dev.quire.weights.ModelFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuantizationConfigTest {
    static ConfigJson json(String text) {
        return ConfigJson.parse("config.json", text.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    }

    static QuantizationConfig config(String quantization) {
        return QuantizationConfig.from(json("{'quantization_config':{" + quantization + "}}"))
                .orElseThrow();
    }

    @Test
    void nativeFp8InBlocks() {
        QuantizationConfig config = config("'quant_method':'fp8','activation_scheme':'dynamic','fmt':'e4m3',"
                + "'weight_block_size':[128,64],'modules_to_not_convert':['lm_head','mlp.gate','model.layers.1']");
        assertThat(config.schemeOf("model.layers.0.mlp.gate_proj"))
                .contains(new ByteScheme(
                        Codes.E4M3, 128, 64, true, "weight_scale_inv", InputScheme.dynamic(Kind.E4M3, 64)));
        assertThat(config.schemeOf("lm_head")).isEmpty();
        assertThat(config.schemeOf("model.layers.2.mlp.gate")).isEmpty();
        assertThat(config.schemeOf("model.layers.1.mlp.up_proj")).isEmpty();
        assertThat(config.schemeOf("model.layers.10.mlp.up_proj")).isPresent();
        assertThat(config.embeddingSchemeOf("model.embed_tokens")).isEmpty();
    }

    @Test
    void nativeFp8PerTensorAndPerRow() {
        ByteScheme dynamic = new ByteScheme(Codes.E4M3, 0, 0, true, "weight_scale", InputScheme.dynamic(Kind.E4M3, 0));
        assertThat(config("'quant_method':'fp8','activation_scheme':'dynamic','weight_block_size':null")
                        .schemeOf("a"))
                .contains(dynamic);
        QuantizationConfig fixed = config("'quant_method':'fp8','activation_scheme':'static',"
                + "'ignored_layers':['model.layers.0.self_attn.q_proj','model.layers.0.self_attn.k_proj',"
                + "'model.layers.0.self_attn.v_proj']");
        assertThat(fixed.schemeOf("a"))
                .contains(new ByteScheme(
                        Codes.E4M3, 0, 0, true, "weight_scale", new InputScheme(Kind.E4M3, false, 0, true)));
        assertThat(fixed.schemeOf("model.layers.0.self_attn.q_proj")).isEmpty();
        assertThat(fixed.schemeOf("model.layers.0.self_attn.qkv_proj")).isEmpty();
        assertThat(fixed.schemeOf("model.layers.1.self_attn.qkv_proj")).isPresent();
        assertThat(config("'quant_method':'fbgemm_fp8','activation_scale_ub':1200.0,'modules_to_not_convert':['b']")
                        .schemeOf("a"))
                .contains(new ByteScheme(Codes.E4M3, 1, 0, true, "weight_scale", InputScheme.dynamic(Kind.E4M3, 0)));
    }

    @Test
    void gptqVersions() {
        assertThat(config("'quant_method':'gptq','bits':4,'group_size':128,'desc_act':true,'sym':true")
                        .schemeOf("a"))
                .contains(new GptqScheme(4, 128, true, true, 1));
        QuantizationConfig second = config("'quant_method':'gptq','bits':8,'group_size':-1,'desc_act':false,"
                + "'sym':false,'checkpoint_format':'gptq_v2','lm_head':true");
        assertThat(second.schemeOf("lm_head")).contains(new GptqScheme(8, 0, false, false, 0));
        assertThat(config("'quant_method':'gptq','bits':4,'group_size':32").schemeOf("lm_head"))
                .isEmpty();
    }

    @Test
    void gptqExemptionsOfModules() {
        QuantizationConfig config = config("'quant_method':'gptq','bits':4,'group_size':32,'sym':true,'dynamic':{"
                + "'-:.*\\\\.k_proj$':{},'+:.*layers\\\\.0\\\\.mlp.*':{'bits':8,'group_size':64},"
                + "'.*down_proj':{'desc_act':true}}");
        assertThat(config.schemeOf("model.layers.0.self_attn.k_proj")).isEmpty();
        assertThat(config.schemeOf("model.layers.0.mlp.down_proj")).contains(new GptqScheme(8, 64, true, false, 1));
        assertThat(config.schemeOf("model.layers.1.mlp.down_proj")).contains(new GptqScheme(4, 32, true, true, 1));
        assertThat(config.schemeOf("model.layers.1.mlp.up_proj")).contains(new GptqScheme(4, 32, true, false, 1));
    }

    @Test
    void awqWithEitherSetOfNames() {
        QuantizationConfig config = config("'quant_method':'awq','bits':4,'group_size':64,'zero_point':true,"
                + "'version':'gemm','modules_to_not_convert':['mlp.gate']");
        assertThat(config.schemeOf("model.layers.0.mlp.gate_proj")).contains(new AwqScheme(64));
        assertThat(config.schemeOf("model.layers.0.mlp.gate")).isEmpty();
        assertThat(config.schemeOf("lm_head")).isEmpty();
        assertThat(config("'quant_method':'awq','w_bit':4,'q_group_size':-1,'version':'GEMM'")
                        .schemeOf("a"))
                .contains(new AwqScheme(0));
    }

    @Test
    void olderWritersPutItIntoAFileOfItsOwn(@TempDir Path dir) throws IOException {
        ModelFiles files = ModelFiles.ofDirectory(dir);
        ConfigJson plain = json("{'hidden_size':3}");
        assertThat(QuantizationConfig.from(files, plain)).isEmpty();
        Files.writeString(dir.resolve("quant_config.json"), "{\"w_bit\":4,\"q_group_size\":32,\"zero_point\":true}");
        assertThat(QuantizationConfig.from(files, plain).orElseThrow().schemeOf("a"))
                .contains(new AwqScheme(32));
        Files.writeString(
                dir.resolve("quantize_config.json"), "{\"bits\":4,\"group_size\":16,\"desc_act\":true,\"sym\":false}");
        assertThat(QuantizationConfig.from(files, plain).orElseThrow().schemeOf("a"))
                .contains(new GptqScheme(4, 16, false, true, 1));
        ConfigJson own = json("{'quantization_config':{'quant_method':'awq','bits':4,'group_size':8}}");
        assertThat(QuantizationConfig.from(files, own).orElseThrow().schemeOf("a"))
                .contains(new AwqScheme(8));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'quant_method':'mxfp4' | quant_method' \"mxfp4\" is not supported; supported: compressed-tensors, fp8, fbgemm_fp8, gptq, awq",
                "'bits':4 | quant_method' \"absent\" is not supported",
                "'quant_method':'gptq','bits':3 | bits' 3 is not supported; supported: 4, 8",
                "'quant_method':'gptq','bits':4,'checkpoint_format':'gptq_p' | \"gptq_p\" is not supported; supported: gptq, gptq_v2",
                "'quant_method':'gptq','bits':4,'pack_dtype':'int16' | pack_dtype' \"int16\" is not supported",
                "'quant_method':'gptq','bits':4,'is_marlin_format':true | is_marlin_format' true is not supported",
                "'quant_method':'gptq','bits':4,'group_size':0 | group_size' must be positive, or -1",
                "'quant_method':'gptq','bits':4,'dynamic':{'-:(':{}} | has a broken pattern (",
                "'quant_method':'gptq','bits':4,'dynamic':{'a':{'bits':2}} | dynamic.a.bits' 2 is not supported",
                "'quant_method':'gptq' | bits' is missing",
                "'quant_method':'awq','bits':4,'version':'gemv' | version' \"gemv\" is not supported; supported: gemm",
                "'quant_method':'awq','bits':8 | bits' 8 is not supported; supported: 4",
                "'quant_method':'awq','bits':4,'zero_point':false | zero_point' false is not supported",
                "'quant_method':'awq','bits':4,'backend':'llm-awq' | backend' \"llm-awq\" is not supported",
                "'quant_method':'fp8','fmt':'e5m2' | fmt' \"e5m2\" is not supported; supported: e4m3",
                "'quant_method':'fp8','activation_scheme':'odd' | activation_scheme' \"odd\" is not supported",
                "'quant_method':'fp8','weight_block_size':[128] | weight_block_size' must be two positive numbers",
                "'quant_method':'fp8','weight_block_size':[8,8],'activation_scheme':'static' | \"static\" is not supported",
            })
    void refusesTheRestByName(String quantization, String message) {
        assertThatThrownBy(() -> config(quantization))
                .isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith("config.json: 'quantization_config.")
                .hasMessageContaining(message);
    }
}
