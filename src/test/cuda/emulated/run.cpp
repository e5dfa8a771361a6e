// The prefill attention's own code on the emulated primitives, against a reference in double. Needs no GPU:
// mkdir E; ln -s src/main/cuda/{attention_sm90.cu,attention_sm90_tiles.cuh,common.cuh} src/test/cuda/emulated/* E (absolute);
// g++ -O2 -std=c++17 -march=native -D__CUDA_ARCH_FEAT_SM90_ALL -I E E/run.cpp -o run && ./run
#include "attention_sm90.cuh"
#include "attention_sm90.cu"

typedef std::vector<std::pair<int, int>> Sequences;  // rows, context before them
typedef void (*Kernel)(bf16*, int, CUtensorMap, CUtensorMap, CUtensorMap, int, int, const int*, const int*, const int*,
                       const int*, const int2*, int, int, int, int, float, int, float, const float*, int*);
struct Call {
  Kernel kernel;
  int threads, rows, shared;
};
struct Arguments {
  Kernel kernel;
  bf16* out;
  int outStride;
  CUtensorMap q, k, v;
  int D, blockSize;
  const int *cu, *lens, *start, *tables;
  const int2* items;
  int numItems, heads, kvHeads, headsPerTile;
  float scale;
  int window;
  float cap;
  const float* sinks;
  int* counter;
} static x;

static void call() {
  x.kernel(x.out, x.outStride, x.q, x.k, x.v, x.D, x.blockSize, x.cu, x.lens, x.start, x.tables, x.items, x.numItems, x.heads,
           x.kvHeads, x.headsPerTile, x.scale, x.window, x.cap, x.sinks, x.counter);
}

static CUtensorMap tensor_map(const bf16* p, std::vector<long> dims, std::vector<long> strides, std::vector<int> box) {
  emulated::Map m{p, (int)dims.size(), {1, 1, 1, 1}, {0, 0, 0, 0}, {1, 1, 1, 1}};
  for (size_t i = 0; i < dims.size(); i++) m.dims[i] = dims[i], m.strides[i] = strides[i], m.box[i] = box[i];
  CUtensorMap t;
  memcpy((void*)&t, &m, sizeof m);
  return t;
}

static std::mt19937 rng(7);
static int failures = 0, checks = 0;
static double worst = 0;

static bf16 noise() {
  static std::normal_distribution<float> d;
  return __float2bfloat16(d(rng));
}

static void check(Call f, int D, int BS, int kvHeads, int group, int P, int window, float cap, bool sinks, bool eager, int grid,
                  const Sequences& sequences) {
  int H = kvHeads * group, blocks = 2, T = 0;
  for (auto& s : sequences) blocks += (s.first + s.second + BS - 1) / BS, T += s.first;
  bf16 nan;
  memset((void*)&nan, 0xff, 2);
  std::vector<bf16> k((size_t)blocks * kvHeads * BS * D, nan), v = k;
  int qStride = (H + 2 * kvHeads) * D, outStride = H * D + 8;
  std::vector<bf16> q((size_t)T * qStride), out((size_t)(T + 2) * outStride, nan);
  for (auto& e : q) e = noise();
  std::vector<int> order(blocks), cu{0}, lens, start, tables;
  for (int i = 0; i < blocks; i++) order[i] = i;
  std::shuffle(order.begin(), order.end(), rng);
  auto at = [&](int s, int j, int h) {
    return (((size_t)tables[start[s] + j / BS] * kvHeads + h) * BS + j % BS) * D;
  };
  int next = 0, tokens = f.rows / P;
  std::vector<std::pair<int, int2>> list;
  for (size_t s = 0; s < sequences.size(); s++) {
    cu.push_back(cu.back() + sequences[s].first);
    lens.push_back(sequences[s].first + sequences[s].second);
    start.push_back(tables.size());
    for (int i = 0; i < (lens[s] + BS - 1) / BS; i++) tables.push_back(order[next++]);
    tables.push_back(0x7ffffff0);
    for (int j = 0; j < lens[s]; j++)
      for (int h = 0; h < kvHeads; h++)
        for (int d = 0; d < D; d++) k[at(s, j, h) + d] = noise(), v[at(s, j, h) + d] = noise();
    for (int y = 0; y < sequences[s].first; y += tokens) list.push_back({-sequences[s].second - y, int2{(int)s, y}});
  }
  std::stable_sort(list.begin(), list.end(), [](auto& a, auto& b) { return a.first < b.first; });
  std::vector<int2> items;
  for (auto& e : list) items.push_back(e.second);
  std::vector<float> sink(H);
  for (auto& e : sink) e = 2 * __bfloat162float(noise());
  int counter[2] = {0, 0};
  float scale = 1 / sqrtf(D);
  x = {f.kernel, out.data(), outStride, tensor_map(q.data(), {D, H, T}, {1, D, qStride}, {64, P, tokens}),
       tensor_map(k.data(), {D, BS, kvHeads, blocks}, {1, D, D * BS, D * BS * kvHeads}, {64, BS, 1, 1}),
       tensor_map(v.data(), {D, BS, kvHeads, blocks}, {1, D, D * BS, D * BS * kvHeads}, {64, BS, 1, 1}), D, BS, cu.data(),
       lens.data(), start.data(), tables.data(), items.data(), (int)items.size(), H, kvHeads, P, scale, window, cap,
       sinks ? sink.data() : nullptr, counter};
  emulated::eager = eager;
  grid = std::min<int>(grid, items.size() * H / P);
  emulatedGrid = dim3(grid);
  for (int b = 0; b < grid; b++) {
    emulatedBlock = dim3(b);
    emulated::run_block(f.threads, call);
  }
  double num = 0, den = 0;
  int bad = counter[0] || counter[1];
  for (int t = 0; t < T + 2; t++)
    for (int c = t < T ? H * D : 0; c < outStride; c++) bad += memcmp((void*)&out[(size_t)t * outStride + c], (void*)&nan, 2) != 0;
  std::vector<double> p;
  for (size_t s = 0; s < sequences.size(); s++)
    for (int t = cu[s]; t < cu[s + 1]; t++)
      for (int h = 0; h < H; h++) {
        int position = lens[s] - cu[s + 1] + t, low = window ? std::max(0, position - window + 1) : 0;
        double sum = sinks ? exp(sink[h]) : 0;
        p.assign(position + 1, 0);
        for (int j = low; j <= position; j++) {
          double d = 0;
          for (int c = 0; c < D; c++)
            d += __bfloat162float(q[(size_t)t * qStride + h * D + c]) * __bfloat162float(k[at(s, j, h / group) + c]);
          d *= scale;
          sum += p[j] = exp(cap > 0 ? cap * tanh(d / cap) : d);
        }
        for (int c = 0; c < D; c++) {
          double want = 0, got = __bfloat162float(out[(size_t)t * outStride + h * D + c]);
          for (int j = low; j <= position; j++) want += p[j] * __bfloat162float(v[at(s, j, h / group) + c]);
          want /= sum;
          num += (got - want) * (got - want);
          den += want * want;
        }
      }
  double error = sqrt(num / den);
  checks++;
  bool ok = error < 5e-3 && !bad;
  failures += !ok;
  if (ok) worst = std::max(worst, error);
  if (!ok)
    printf("FAILED D %d block %d heads %d/%d, %d a tile, window %d cap %g sinks %d eager %d grid %d: error %g, bad %d\n", D, BS, H,
           kvHeads, P, window, cap, sinks, eager, grid, error, bad);
  fflush(stdout);
}

template <class C>
static Call config(Kernel k) {
  return {k, C::THREADS, C::BM, C::SHARED};
}

int main(int argc, char** argv) {
  using namespace sm90_attention;
  Call d64 = config<D64>(sm90_prefill_bf16_d64), d128 = config<D128>(sm90_prefill_bf16_d128),
       d256 = config<D256>(sm90_prefill_bf16_d256);
  int turn = argc > 1 ? atoi(argv[1]) : 0;
  rng.seed(turn + 7);
  check(d128, 128, 16, 1, 1, 1, 0, 0, false, true, 1, {{128, 0}});
  Sequences mixture = {{1, 0}, {2, 0}, {63, 0}, {129, 0}, {1, 200}, {17, 290}, {130, 70}};
  for (int D : {64, 80, 96, 128, 256})
    for (int BS : {16, 32, 64})
      for (int window : {0, 1, 17, 128, 150}) {
        int group = (int[]){1, 3, 4, 8}[turn % 4], P = turn / 4 % 2 ? group : 1;
        check(D == 64 ? d64 : D == 256 ? d256 : d128, D, BS, 1 + (group < 3), group, P, turn % 3 ? window : 0,
              turn % 5 == 3 ? 5.f : 0.f, turn % 3 == 1, turn % 2, 1 + turn % 3, mixture);
        turn++;
      }
  printf("%d checks, %d failed, worst relative error %.2e\n", checks, failures, worst);
  return failures != 0;
}
