/** Stands for the package of this name, by which oclif tells Windows' Linux from another: to us they are the same. */
export const isWsl = false;
