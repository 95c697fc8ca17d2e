# Optimisation across files in release builds: calls from file to file, and small takes and puts that
# one file offers to all, are about a fifth of the user time of a warm scan. Only where objects can
# keep plain code beside it (gcc; clang from 17 on), so that the static library serves any linker.
include(CheckIPOSupported)
include(CheckCCompilerFlag)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT SPR_SANITIZE)
    check_ipo_supported(RESULT SPR_CAN_WHOLE OUTPUT ignored LANGUAGES C)
    check_c_compiler_flag("-Werror -flto -ffat-lto-objects" SPR_HAS_FAT_OBJECTS)
    if(SPR_CAN_WHOLE AND SPR_HAS_FAT_OBJECTS)
        set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
        add_compile_options(-ffat-lto-objects)
    endif()
endif()
