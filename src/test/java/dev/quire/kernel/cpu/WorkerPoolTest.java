package dev.quire.kernel.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WorkerPoolTest {
    private final WorkerPool pool = new WorkerPool(4);

    @AfterEach
    void close() {
        pool.close();
    }

    @Test
    void everyTaskRunsOnceInManyTinyCalls() {
        AtomicIntegerArray counts = new AtomicIntegerArray(16);
        int calls = 50_000;
        int expected = 0;
        for (int call = 0; call < calls; call++) {
            pool.run(call % 17, task -> counts.incrementAndGet(task));
            expected += call % 17;
        }
        int total = 0;
        for (int i = 0; i < 16; i++) {
            total += counts.get(i);
        }
        assertThat(total).isEqualTo(expected);
        assertThat(counts.get(0)).isGreaterThan(counts.get(15));
    }

    @Test
    void callsAfterThePoolHasParked() throws InterruptedException {
        for (int call = 0; call < 20; call++) {
            Thread.sleep(3);
            AtomicInteger count = new AtomicInteger();
            pool.run(8, task -> count.incrementAndGet());
            assertThat(count.get()).isEqualTo(8);
        }
    }

    @Test
    void longTasksAreWaitedFor() {
        AtomicInteger count = new AtomicInteger();
        pool.run(4, task -> {
            try {
                Thread.sleep(20);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            count.incrementAndGet();
        });
        assertThat(count.get()).isEqualTo(4);
    }

    @Test
    void exceptionsReachTheCallerAndThePoolLivesOn() {
        for (int thrower = 0; thrower < 8; thrower++) {
            int which = thrower;
            assertThatThrownBy(() -> pool.run(8, task -> {
                        if (task == which) {
                            throw new IllegalArgumentException("task " + task);
                        }
                    }))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("task " + which);
        }
        assertThatThrownBy(() -> pool.run(8, task -> {
                    throw new StackOverflowError("deep");
                }))
                .isInstanceOf(StackOverflowError.class);
        AtomicInteger count = new AtomicInteger();
        pool.run(8, task -> count.incrementAndGet());
        assertThat(count.get()).isEqualTo(8);
    }

    @Test
    void nestedCallsAreRefused() {
        assertThatThrownBy(() -> pool.run(4, task -> pool.run(2, inner -> {})))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("nested");
        pool.run(4, task -> {});
    }

    @Test
    void aPoolOfOneRunsOnTheCaller() {
        Thread caller = Thread.currentThread();
        try (WorkerPool single = new WorkerPool(1)) {
            single.run(3, task -> assertThat(Thread.currentThread()).isSameAs(caller));
        }
    }

    @Test
    void aClosedPoolRefuses() {
        pool.close();
        assertThatThrownBy(() -> pool.run(1, task -> {})).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void anInterruptedCallerStillWaitsAndStaysInterrupted() {
        AtomicInteger count = new AtomicInteger();
        Thread.currentThread().interrupt();
        pool.run(4, task -> {
            long end = System.nanoTime() + 2_000_000;
            while (System.nanoTime() < end) {
                Thread.onSpinWait();
            }
            count.incrementAndGet();
        });
        assertThat(count.get()).isEqualTo(4);
        assertThat(Thread.interrupted()).isTrue();
    }
}
