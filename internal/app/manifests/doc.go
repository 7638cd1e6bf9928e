// Package manifests renders what an environment runs of an application: the Kustomize root in
// the application's repository, with the release's image by digest, in the environment's
// namespace, and with the host name that the application has there. What the team writes is not
// trusted: only kinds and fields that stay within the namespace pass. It reads below the
// directory it is given and writes nothing.
package manifests
