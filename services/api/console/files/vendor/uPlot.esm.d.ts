// Herald's own, for tools/javascript: the types of uPlot.esm.js are those of the npm package that it is copied from.
import uPlot from "uplot";

export default uPlot;
