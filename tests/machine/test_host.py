import llvmlite.binding as llvm

from symbp.machine import host


def test_it_says_what_llvm_says():
    assert host.triple() == llvm.get_process_triple()
    assert host.processor_name() == llvm.get_host_cpu_name()
    assert host.processor_features() == llvm.get_host_cpu_features()


def test_features_may_be_changed():
    host.processor_features().clear()
    assert host.processor_features() == llvm.get_host_cpu_features()


def test_what_generated_modules_ask_does_not_wait_for_llvm(monkeypatch):
    own = host.Llvm()
    asked = [own.get_process_triple(), own.get_host_cpu_features()]
    for name in ("get_process_triple", "get_host_cpu_features", "initialize_native_target", "parse_assembly"):
        monkeypatch.setattr(llvm, name, None)
    own.initialize_native_target()
    assert [own.get_process_triple(), own.get_host_cpu_features()] == asked
    assert own.parse_assembly("a text") == "a text"
    assert own.ModuleRef is llvm.ModuleRef
