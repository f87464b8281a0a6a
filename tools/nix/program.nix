# The program as a store path, made of copies of files from outside: what add-to-store builds. The program itself is the builder, started by its loader.
{ files, loader, version, system ? builtins.currentSystem }:

let
  source = builtins.path { name = "cooper-files-${version}"; path = files; };
in
derivation {
  name = "cooper-${version}";
  inherit system loader;
  files = source;
  builder = "${source}/${loader}";
  args = [ "--argv0" "cooper" "--library-path" "${source}" "${source}/cooper" "nix-build-step" "program" ];
  __structuredAttrs = true;
  preferLocalBuild = true;
}
