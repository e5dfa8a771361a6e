package dev.quire.server.ops;

/**
 * The Prometheus text format 0.0.4, families of one label set.
 *
 * <p>Written by hand because the names of this API ({@code vllm:iteration_tokens_total}, a histogram) are legal there
 * and not in the naming rules of client libraries.
 */
final class PrometheusText {
    private final StringBuilder out = new StringBuilder(16 << 10);
    private final String labels;

    /** @param labels common to all samples, such as {@code model_name="m",engine="0"} */
    PrometheusText(String labels) {
        this.labels = labels;
    }

    /** A label value between its quotes. */
    static String escape(String value) {
        return value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    }

    void gauge(String name, String help, double value) {
        family(name, help, "gauge");
        sample(name, "", value);
    }

    /** {@code name} without {@code _total}. */
    void counter(String name, String help, long value) {
        family(name + "_total", help, "counter");
        sample(name + "_total", "", value);
    }

    void family(String name, String help, String type) {
        out.append("# HELP ").append(name).append(' ').append(help).append('\n');
        out.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    }

    /** @param extraLabels further labels, or empty */
    void sample(String name, String extraLabels, double value) {
        out.append(name).append('{').append(labels);
        if (!extraLabels.isEmpty()) {
            out.append(',').append(extraLabels);
        }
        out.append("} ");
        number(value);
        out.append('\n');
    }

    /** @param counts by bucket, not cumulated; one more than {@code bounds} */
    void histogram(String name, String help, double[] bounds, long[] counts, double sum) {
        family(name, help, "histogram");
        long cumulated = 0;
        for (int i = 0; i < counts.length; i++) {
            cumulated += counts[i];
            String bound = i < bounds.length ? Double.toString(bounds[i]) : "+Inf";
            sample(name + "_bucket", "le=\"" + bound + "\"", cumulated);
        }
        sample(name + "_count", "", cumulated);
        sample(name + "_sum", "", sum);
    }

    private void number(double value) {
        if (value == Math.rint(value) && Math.abs(value) < 1e15) {
            out.append((long) value).append(".0");
        } else {
            out.append(value);
        }
    }

    @Override
    public String toString() {
        return out.toString();
    }
}
