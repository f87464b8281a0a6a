# What builders and interactive shells of packages.nix source.
PATH=
for input in ${nativeBuildInputs-} $initialPath; do PATH=$PATH${PATH:+:}$input/bin; done
export PATH

runHook() {
  if [[ $(type -t "$1") == function ]]; then "$1"; else eval "${!1-}"; fi
}

genericBuild() {
  local phase
  mkdir -p source
  cd source
  for phase in buildPhase installPhase; do
    echo "Running phase: $phase"
    eval "${!phase}"
  done
}
