package dev.quire.kernel.cuda;

import dev.quire.kernel.StepGraphs;
import java.util.Arrays;
import org.bytedeco.cuda.cudart.CUgraphExec_st;
import org.bytedeco.cuda.cudart.CUgraph_st;
import org.bytedeco.cuda.global.cudart;
import org.jspecify.annotations.Nullable;

/**
 * Steps as CUDA graphs: one host call instead of several hundred. The first run of a key is an ordinary one, so that whatever
 * has to be measured or made is; the second is captured.
 */
final class CudaGraphs implements StepGraphs, AutoCloseable {
    private final CudaStream stream;
    private final ProductTimer timer;
    /** By key, as the keys come up. */
    private @Nullable CUgraphExec_st[] graphs = {};

    private boolean[] seen = {};

    CudaGraphs(CudaStream stream, ProductTimer timer) {
        this.stream = stream;
        this.timer = timer;
    }

    @Override
    public void run(int key, Runnable work) {
        if (key >= graphs.length) {
            graphs = Arrays.copyOf(graphs, key + 1);
            seen = Arrays.copyOf(seen, key + 1);
        }
        if (!seen[key]) {
            seen[key] = true;
            work.run();
            return;
        }
        CUgraphExec_st graph = graphs[key];
        if (graph == null) {
            graph = capture(key, work);
            graphs[key] = graph;
        }
        int code = cudart.cudaGraphLaunch(graph, stream.handle);
        if (code != 0) {
            Cuda.check(code, "launch of the graph of " + key + " sequences");
        }
    }

    private CUgraphExec_st capture(int key, Runnable work) {
        CUgraph_st graph = new CUgraph_st();
        CUgraphExec_st executable = new CUgraphExec_st();
        Cuda.check(
                cudart.cudaStreamBeginCapture(stream.handle, cudart.cudaStreamCaptureModeThreadLocal),
                "cudaStreamBeginCapture");
        timer.setCapturing(true);
        RuntimeException failure = null;
        try {
            work.run();
        } catch (RuntimeException e) {
            failure = e;
        } finally {
            timer.setCapturing(false);
        }
        // Also after a failure: otherwise the stream would stay in capture.
        int code = cudart.cudaStreamEndCapture(stream.handle, graph);
        if (failure != null) {
            throw failure;
        }
        Cuda.check(code, "capture of the graph of " + key + " sequences");
        Cuda.check(cudart.cudaGraphInstantiate(executable, graph, 0L), "cudaGraphInstantiate");
        Cuda.check(cudart.cudaGraphDestroy(graph), "cudaGraphDestroy");
        return executable;
    }

    @Override
    public void close() {
        for (CUgraphExec_st graph : graphs) {
            if (graph != null) {
                cudart.cudaGraphExecDestroy(graph);
            }
        }
        graphs = new CUgraphExec_st[0];
        seen = new boolean[0];
    }
}
