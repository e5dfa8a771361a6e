package dev.quire.cli;

import static dev.quire.cli.ValueCheck.choice;
import static dev.quire.cli.ValueCheck.integer;
import static dev.quire.cli.ValueCheck.number;
import static dev.quire.cli.ValueCheck.onOff;
import static dev.quire.cli.ValueCheck.text;

import dev.quire.cli.Option.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** All options of {@code quire serve}, in the order and the sections of its help. */
final class ServeOptions {
    /** A heading of the help with its options. */
    record Section(String heading, List<ServeOption> options) {}

    private static final ValueCheck COUNT = integer(1, Integer.MAX_VALUE);
    private static final ValueCheck COUNT_OR_OFF = integer(0, Integer.MAX_VALUE);

    private ServeOptions() {}

    static List<Section> sections() {
        return List.of(model(), device(), scheduler(), kvCache(), server(), answers());
    }

    static List<ServeOption> all() {
        List<ServeOption> all = new ArrayList<>();
        sections().forEach(section -> all.addAll(section.options()));
        return all;
    }

    private static Section model() {
        return new Section(
                "Model",
                List.of(
                        one("model", "MODEL", text(), "Directory or hub name; the same as the bare argument."),
                        list("served-model-name", "NAME", "Names that requests may use; the first is answered."),
                        one("tokenizer", "DIR", text(), "Directory or file of another tokenizer."),
                        one("revision", "REV", text(), "Branch, tag or commit on the hub (main)."),
                        one(
                                "dtype",
                                "TYPE",
                                choice(List.of("auto", "bfloat16", "float16", "float32")),
                                "auto, bfloat16, float16 or float32 (auto: the checkpoint's)."),
                        one(
                                "load-format",
                                "FORMAT",
                                choice(List.of("auto", "safetensors", "gguf", "dummy")),
                                "auto, safetensors, gguf or dummy: random weights (auto)."),
                        one(
                                "max-model-len",
                                "N",
                                number(-1),
                                "Prompt and answer tokens of one sequence at most, such as 4096 or 32k (the model's)."),
                        one("chat-template", "JINJA", text(), "Template file or text (the model's)."),
                        one(
                                "generation-config",
                                "WHERE",
                                text(),
                                "Sampling defaults: auto from the model, vllm for none, or a directory (auto)."),
                        one("override-generation-config", "JSON", text(), "Sampling defaults laid over them."),
                        one("download-dir", "DIR", text(), "Where downloads go (the hub's cache)."),
                        one("hf-token", "TOKEN", text(), "Key for the hub (HF_TOKEN, then the token file)."),
                        one("hf-endpoint", "URL", text(), "Address of the hub (HF_ENDPOINT)."),
                        one("hf-home", "DIR", text(), "Home of the hub's cache (HF_HOME)."),
                        onOffSwitch("hf-hub-offline", "Never ask the network (HF_HUB_OFFLINE).")));
    }

    private static Section device() {
        return new Section(
                "Device",
                List.of(
                        one(
                                "device",
                                "NAME",
                                choice(List.of("auto", "cpu", "cuda")),
                                "auto, cpu or cuda (auto: what the machine has)."),
                        one("num-threads", "N", COUNT, "Threads that compute (the cores this process may use)."),
                        one(
                                "cpu-gemm",
                                "PATH",
                                choice(List.of("auto", "vector", "onednn")),
                                "auto, vector or onednn, for 16 rows and more; with onednn a row's bits depend on that (auto)."),
                        one(
                                "gpu-memory-utilization",
                                "SHARE",
                                text(),
                                "Share of the GPU's memory to use for weights, activations and KV cache (0.9)."),
                        onOffSwitch("enforce-eager", "No CUDA graphs (off)."),
                        onOffSwitch(
                                "batch-invariant",
                                "A sequence's result never depends on the others in its batch, at some cost in speed (off)."),
                        one(
                                "cuda-library-path",
                                "DIRS",
                                text(),
                                "Folders with CUDA's libraries, before the usual ones, separated by colons.")));
    }

    private static Section scheduler() {
        return new Section(
                "Scheduler",
                List.of(
                        one("max-num-seqs", "N", COUNT, "Sequences in the running batch at most."),
                        one("max-num-batched-tokens", "N", number(1), "Tokens computed in one step at most."),
                        one(
                                "long-prefill-token-threshold",
                                "N",
                                COUNT_OR_OFF,
                                "Prompt tokens of one sequence in one step at most (0: off)."),
                        one(
                                "scheduling-policy",
                                "POLICY",
                                choice(List.of("fcfs", "priority")),
                                "fcfs or priority: order of the waiting queue (fcfs)."),
                        one("max-num-queued-reqs", "N", COUNT, "Waiting and running at most before HTTP 429."),
                        one("max-num-queued-tokens", "N", number(1), "Waiting prompt tokens at most before HTTP 429."),
                        one(
                                "seed",
                                "N",
                                integer(Long.MIN_VALUE, Long.MAX_VALUE),
                                "Seed of requests that bring none (0).")));
    }

    private static Section kvCache() {
        return new Section(
                "KV cache",
                List.of(
                        one("block-size", "N", COUNT, "Tokens in a block (16)."),
                        onOffSwitch("enable-prefix-caching", "Keep full blocks for later prompts (on)."),
                        one(
                                "kv-cache-dtype",
                                "TYPE",
                                choice(List.of("auto", "bfloat16", "bf16", "float32", "f32", "fp8", "fp8_e4m3")),
                                "auto, bfloat16, float32 or fp8, which is E4M3 (auto)."),
                        one("kv-cache-memory-bytes", "SIZE", number(1), "Size, such as 4GiB (what is free)."),
                        one("num-gpu-blocks-override", "N", COUNT, "Number of blocks, instead of a size.")));
    }

    private static Section server() {
        return new Section(
                "Server",
                List.of(
                        keyed("host", "quarkus.http.host", "ADDRESS", text(), "Address to listen on (0.0.0.0)."),
                        keyed(
                                "port",
                                "quarkus.http.port",
                                "PORT",
                                integer(0, 65535),
                                "Port to listen on; 0 takes a free one (8000)."),
                        apiKey(),
                        one("max-body-size", "SIZE", text(), "Larger requests are refused, such as 32M (32M)."),
                        one(
                                "shutdown-timeout",
                                "SECONDS",
                                COUNT_OR_OFF,
                                "Time for running requests to finish at shutdown (0)."),
                        onOffSwitch("enable-log-requests", "One log line a request (off).")));
    }

    private static Section answers() {
        return new Section(
                "Answers",
                List.of(
                        one(
                                "max-logprobs",
                                "N",
                                integer(-1, Integer.MAX_VALUE),
                                "logprobs of a request at most; -1: the vocabulary (20)."),
                        onOffSwitch("enable-auto-tool-choice", "Let the model decide about tool calls."),
                        one("tool-call-parser", "NAME", text(), "How the model writes tool calls, such as hermes."),
                        onOffSwitch("enable-prompt-tokens-details", "Report cached tokens in usage (off)."),
                        onOffSwitch("enable-force-include-usage", "Every stream carries usage (off).")));
    }

    private static ServeOption one(String name, String label, ValueCheck check, String help) {
        return keyed(name, "quire." + name, label, check, help);
    }

    private static ServeOption keyed(String name, String key, String label, ValueCheck check, String help) {
        return option(name, key, List.of(variable(name)), Kind.ONE, label, check, help);
    }

    private static ServeOption list(String name, String label, String help) {
        return option(name, "quire." + name, List.of(variable(name)), Kind.LIST, label, text(), help);
    }

    private static ServeOption onOffSwitch(String name, String help) {
        return option(name, "quire." + name, List.of(variable(name)), Kind.SWITCH, "", onOff(), help);
    }

    private static ServeOption apiKey() {
        List<String> variables = List.of(variable("api-key"), "VLLM_API_KEY");
        String help = "Keys that clients must bring (VLLM_API_KEY).";
        return option("api-key", "quire.api-key", variables, Kind.LIST, "KEY", text(), help);
    }

    private static ServeOption option(
            String name, String key, List<String> environment, Kind kind, String label, ValueCheck check, String help) {
        return new ServeOption(new Option(List.of("--" + name), kind, label, help), key, environment, check);
    }

    private static String variable(String name) {
        return "QUIRE_" + name.replace('-', '_').toUpperCase(Locale.ROOT);
    }
}
