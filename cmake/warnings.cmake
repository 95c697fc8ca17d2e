# Interface targets: what every target of ours compiles with.
add_library(spr_flags INTERFACE)
target_compile_options(spr_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
    -Wmissing-prototypes -Wold-style-definition -Wundef -Wvla -Wformat=2 -Wwrite-strings -Wcast-qual
    -Wcast-align -Wpointer-arith -Wnull-dereference -Wimplicit-fallthrough -Wredundant-decls
    $<$<C_COMPILER_ID:GNU>:-Wlogical-op;-Wduplicated-cond;-Walloca>
    $<$<BOOL:${SPR_WERROR}>:-Werror>
    -fno-common -fstack-protector-strong)
target_compile_definitions(spr_flags INTERFACE _GNU_SOURCE)
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT SPR_SANITIZE)
    target_compile_definitions(spr_flags INTERFACE _FORTIFY_SOURCE=2)
endif()
target_include_directories(spr_flags INTERFACE ${PROJECT_SOURCE_DIR})
if(SPR_SANITIZE)
    target_compile_options(spr_flags INTERFACE
        -fsanitize=${SPR_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(spr_flags INTERFACE -fsanitize=${SPR_SANITIZE})
endif()
if(SPR_FUZZ)
    target_compile_options(spr_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(SPR_COVERAGE)
    target_compile_options(spr_flags INTERFACE --coverage)
    target_link_options(spr_flags INTERFACE --coverage)
endif()
