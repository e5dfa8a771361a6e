package dev.quire.kernel.cuda;

import dev.quire.kernel.StepGraphs;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.cuda.cudart.CUgraphExec_st;
import org.bytedeco.cuda.cudart.CUgraph_st;
import org.bytedeco.cuda.global.cudart;

/**
 * Steps as CUDA graphs: one host call instead of several hundred. The first run of a key is an ordinary one, so that whatever
 * has to be measured or made is; the second is captured.
 */
final class CudaGraphs implements StepGraphs, AutoCloseable {
    private enum Seen {
        ONCE
    }

    private final CudaStream stream;
    private final ProductTimer timer;
    private final Map<Integer, CUgraphExec_st> graphs = new HashMap<>();
    private final Map<Integer, Seen> seen = new HashMap<>();

    CudaGraphs(CudaStream stream, ProductTimer timer) {
        this.stream = stream;
        this.timer = timer;
    }

    @Override
    public void run(int key, Runnable work) {
        CUgraphExec_st graph = graphs.get(key);
        if (graph == null) {
            if (seen.putIfAbsent(key, Seen.ONCE) == null) {
                work.run();
                return;
            }
            graph = capture(key, work);
            graphs.put(key, graph);
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
    public int numGraphs() {
        return graphs.size();
    }

    @Override
    public void close() {
        graphs.values().forEach(cudart::cudaGraphExecDestroy);
        graphs.clear();
    }
}
