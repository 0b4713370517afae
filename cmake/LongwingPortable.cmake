# LLVM and MLIR as static archives, for programs that run where neither is installed.
#
# MLIR's own CMake targets cannot be used: Debian's list the shared LLVM among their dependencies. The archives are
# given by path instead, all of them: lld takes from each only the members that something refers to, in any order.
# zlib and zstd are static too; what remains is glibc (and libcuda, opened when first needed).

file(GLOB archives "${LLVM_LIBRARY_DIR}/libMLIR*.a" "${LLVM_LIBRARY_DIR}/libLLVM*.a")
# The C bindings define the same functions in several archives, and nothing here uses them.
list(FILTER archives EXCLUDE REGEX "CAPI")
foreach(name z zstd)
  find_library(LONGWING_STATIC_${name} NAMES lib${name}.a REQUIRED)
  list(APPEND archives "${LONGWING_STATIC_${name}}")
endforeach()
find_package(Threads REQUIRED)
target_link_libraries(longwing_mlir INTERFACE ${archives} Threads::Threads ${CMAKE_DL_LIBS} m rt)
target_compile_options(longwing_mlir INTERFACE -ffunction-sections -fdata-sections)
