// Calls a kernel with the arguments that cuLaunchKernel gets: one pointer for each.
#pragma once
#include <stdint.h>
#include <string.h>
#include <tuple>
#include <type_traits>
#include <utility>
#include "core.h"

namespace emulated {

template <typename... T, size_t... I>
void point_at(std::tuple<T...>& values, void** params, std::index_sequence<I...>) {
  void* all[] = {(void*)&std::get<I>(values)..., nullptr};
  memcpy(params, all, sizeof...(T) * sizeof(void*));
}

template <typename... P>
struct Call {
  void (*kernel)(P...);
  std::tuple<std::decay_t<P>...> values;
  template <size_t... I>
  void set(void** params, std::index_sequence<I...>) {
    int unused[] = {0, (memcpy((void*)&std::get<I>(values), params[I], sizeof(std::get<I>(values))), 0)...};
    (void)unused;
  }
  static void run(void* p) {
    Call& c = *(Call*)p;
    std::apply(c.kernel, c.values);
  }
};

template <typename... P>
int launch(const char* name, void (*kernel)(P...), dim3 grid, dim3 block, unsigned sharedBytes, void** params) {
  Call<P...> call;
  call.kernel = kernel;
  call.set(params, std::index_sequence_for<P...>());
  return run_grid(name, grid, block, sharedBytes, Call<P...>::run, &call);
}

// Bytes of each parameter; their number.
template <typename... P>
int parameter_sizes(void (*)(P...), size_t* sizes, int max) {
  const size_t all[] = {sizeof(std::decay_t<P>)..., 0};
  const int count = sizeof...(P);
  for (int i = 0; i < count && i < max; i++) sizes[i] = all[i];
  return count;
}

struct Kernel {
  const char* name;
  int maxThreads;
  int (*launch)(const Kernel&, dim3, dim3, unsigned, void**);
  int (*parameterSizes)(size_t*, int);
};

}  // namespace emulated
