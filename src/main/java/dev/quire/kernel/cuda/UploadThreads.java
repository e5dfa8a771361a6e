package dev.quire.kernel.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Phaser;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.global.cudart;
import org.jspecify.annotations.Nullable;

/** Threads that fill pinned buffers and have them copied to the device, each on a stream of its own. */
final class UploadThreads implements AutoCloseable {
    static final int BUFFER_BYTES = 8 << 20;
    private static final int MAX_THREADS = 8;

    /**
     * Fills the buffer's first bytes; the buffer is little-endian, position 0. What follows the first {@code numBytes} goes to
     * a second place.
     */
    private record Upload(long address, long numBytes, long nextAddress, long nextBytes, Consumer<ByteBuffer> filler) {}

    private static final Upload END = new Upload(0, 0, 0, 0, buffer -> {});

    private final BlockingQueue<Upload> uploads = new LinkedBlockingQueue<>();
    private final List<Thread> threads = new ArrayList<>();
    private final List<Worker> workers = new ArrayList<>();
    /** Counts uploads that are not on a stream yet; the one party of its own is whoever waits. */
    private final Phaser pending = new Phaser(1);

    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    void submit(long address, long numBytes, Consumer<ByteBuffer> filler) {
        submit(address, numBytes, 0, 0, filler);
    }

    /** One buffer for two places, one behind the other in it. */
    void submit(long address, long numBytes, long nextAddress, long nextBytes, Consumer<ByteBuffer> filler) {
        if (numBytes + nextBytes > BUFFER_BYTES) {
            throw new IllegalArgumentException(
                    "piece of " + (numBytes + nextBytes) + " bytes, at most " + BUFFER_BYTES);
        }
        if (threads.isEmpty()) {
            start();
        }
        awaitRoom();
        pending.register();
        uploads.add(new Upload(address, numBytes, nextAddress, nextBytes, filler));
    }

    /** A phaser has at most 65,535 parties. */
    private void awaitRoom() {
        if (pending.getRegisteredParties() > 60_000) {
            await();
        }
    }

    /** Streams and pinned buffers are made here, where the caller hears that they cannot be had. */
    private void start() {
        int count = Math.max(1, Math.min(MAX_THREADS, Runtime.getRuntime().availableProcessors()));
        for (int i = 0; i < count; i++) {
            Worker worker = new Worker();
            workers.add(worker);
            Thread thread = new Thread(() -> work(worker), "quire-upload-" + i);
            thread.setDaemon(true);
            threads.add(thread);
            thread.start();
        }
    }

    private void work(Worker worker) {
        try {
            for (Upload upload = uploads.take(); upload != END; upload = uploads.take()) {
                try {
                    CudaDevice.bind();
                    worker.run(upload);
                } catch (RuntimeException | Error e) {
                    failure.compareAndSet(null, e);
                } finally {
                    pending.arriveAndDeregister();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Waits for all; throws the first failure. */
    void await() {
        pending.arriveAndAwaitAdvance();
        Throwable first = failure.getAndSet(null);
        if (first instanceof RuntimeException e) {
            throw e;
        }
        if (first instanceof Error e) {
            throw e;
        }
        workers.forEach(worker -> worker.stream.synchronize());
    }

    @Override
    public void close() {
        for (int i = 0; i < threads.size(); i++) {
            uploads.add(END);
        }
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        threads.clear();
        workers.forEach(Worker::close);
        workers.clear();
    }

    private static final class Worker {
        private final CudaStream stream = new CudaStream();
        private final PinnedMemory[] buffers = new PinnedMemory[2];
        private final CUevent_st[] copied = new CUevent_st[2];
        private int turn;

        Worker() {
            for (int i = 0; i < 2; i++) {
                buffers[i] = new PinnedMemory("uploads", BUFFER_BYTES);
                copied[i] = CudaStream.newMark();
            }
        }

        void run(Upload upload) {
            turn ^= 1;
            Cuda.check(cudart.cudaEventSynchronize(copied[turn]), "waiting for an upload");
            upload.filler.accept(buffers[turn].bytes().duplicate().clear().order(ByteOrder.LITTLE_ENDIAN));
            stream.copy(upload.address, buffers[turn].address(), upload.numBytes);
            if (upload.nextBytes > 0) {
                stream.copy(upload.nextAddress, buffers[turn].address() + upload.numBytes, upload.nextBytes);
            }
            stream.record(copied[turn]);
        }

        void close() {
            // Waits for the last copies.
            stream.close();
            for (int i = 0; i < buffers.length; i++) {
                cudart.cudaEventDestroy(copied[i]);
                buffers[i].close();
            }
        }
    }
}
